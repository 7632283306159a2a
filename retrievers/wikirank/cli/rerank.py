"""`wikirank rerank`: a Unix filter that scores passages."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wikirank.cli.options import (
    DeviceOption,
    MaxLengthOption,
    ModelOption,
    RevisionOption,
    chosen_reranker,
)
from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from wikirank.rank import CrossEncoder


def command(
    model: ModelOption = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    max_length: MaxLengthOption = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pairs scored at once.")] = None,
) -> None:
    """Score passages: JSON lines in, JSON lines out, in the same order.

    Each line in is `{"query": str, "passages": [str, …]}`; each line out is
    `{"scores": [float, …], "ranking": [int, …]}`: relevance scores in [0, 1] in the order of the
    passages, and positions of the passages from best to worst.

    Example:
    - `echo '{"query": "capital of France", "passages": ["Rome.", "Paris."]}' | wikirank rerank`
    """
    from wikirank.rank import load_cross_encoder

    name, version = chosen_reranker(model, revision, None)
    cross_encoder = load_cross_encoder(
        name, revision=version, device=device, max_length=max_length, batch_size=batch_size
    )
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if line.strip():
            query, passages = _read(line, number)
            typer.echo(json.dumps(_score(cross_encoder, query, passages)))


def _read(line: bytes, number: int) -> tuple[str, list[str]]:
    expected = '{"query": str, "passages": [str, …]}'
    try:
        request: Any = json.loads(line)
    except (ValueError, RecursionError) as err:
        msg = f"Line {number} of standard input is not JSON ({err}). Expected {expected}."
        raise InvalidArgumentError(msg) from err
    query = request.get("query") if isinstance(request, dict) else None
    passages = request.get("passages") if isinstance(request, dict) else None
    valid = isinstance(passages, list) and all(isinstance(passage, str) for passage in passages)
    if not isinstance(query, str) or not valid:
        msg = f"Line {number} of standard input is not of the form {expected}."
        raise InvalidArgumentError(msg)
    return query, passages or []


def _score(cross_encoder: CrossEncoder, query: str, passages: list[str]) -> dict[str, Any]:
    from wikirank.rank import rank_texts

    ranked = rank_texts(cross_encoder, query, passages)
    return {"scores": ranked.relevance_scores.tolist(), "ranking": ranked.order}
