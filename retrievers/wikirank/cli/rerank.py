"""`wikirank rerank`: score passages from standard input."""

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
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pairs of query and passage to score at once.")
    ] = None,
) -> None:
    """Score passages: read JSON lines from standard input, write JSON lines in the same order.

    Each input line is `{"query": str, "passages": [str, …]}`. Each output line is
    `{"scores": [float, …], "ranking": [int, …]}`: the relevance score of each passage, in [0, 1],
    and the positions of the passages from best to worst, counted from 0.

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
            query, passages = _parse(line, number)
            typer.echo(json.dumps(_score(cross_encoder, query, passages)))


def _parse(line: bytes, number: int) -> tuple[str, list[str]]:
    expected = f'Expected {{"query": str, "passages": [str, …]}} in line {number} of standard input'
    try:
        request: Any = json.loads(line)
    except (ValueError, RecursionError) as err:
        msg = f"{expected}, got invalid JSON ({err}). Correct the line."
        raise InvalidArgumentError(msg) from err
    query = request.get("query") if isinstance(request, dict) else None
    passages = request.get("passages") if isinstance(request, dict) else None
    valid = isinstance(passages, list) and all(isinstance(passage, str) for passage in passages)
    if not isinstance(query, str) or not valid:
        msg = f"{expected}, got other JSON. Correct the line."
        raise InvalidArgumentError(msg)
    return query, passages or []


def _score(cross_encoder: CrossEncoder, query: str, passages: list[str]) -> dict[str, Any]:
    from wikirank.rank import rank_texts

    ranked = rank_texts(cross_encoder, query, passages)
    return {"scores": ranked.relevance_scores.tolist(), "ranking": ranked.order}
