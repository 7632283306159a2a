"""Add the cosine similarities of a stronger bi-encoder to lists of `scripts/search_lists.py`.

Usage: python scripts/strong_teacher.py LISTS MODEL OUTPUT [--chunks N]

MODEL is a sentence-transformers bi-encoder. One the size of all-mpnet-base-v2 takes 0.12 s for a
passage on two cores, so it scores only a part of each list: the positive, the three candidates
nearest by the bundled embedder, one of the others, and sometimes the random one.

Writes OUTPUT/NNN.jsonl.gz, chunks of 256 lists with fixed shares of three kinds of questions.
Run the same command again to resume. Then writes OUTPUT/paragraphs.jsonl.gz: lists of the other
sources, unchanged, an eighth of all lists, so that the model does not forget them.
`search_model.py OUTPUT` trains on the folder.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from wikirank._json_lines import read_records, write_records
from wikirank.types import headed_text

SHARES = {
    ("weak:",): 112,
    ("clapnq",): 56,
    ("tydi", "boolq", "qed", "multispan"): 88,
}
"""Lists in a chunk, by the prefixes of their source's name."""
PARAGRAPHS = 0.15
"""Lists of other sources, for each list in the chunks."""
NEAREST, OTHERS, RANDOM_SHARE = 3, 1, 0.3
MAX_TOKENS = 128

List = dict[str, Any]


def main() -> None:
    """Write the chunks that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", type=Path, help="lists.jsonl.gz of search_lists.py")
    parser.add_argument("model", help="folder of the bi-encoder")
    parser.add_argument("output", type=Path)
    parser.add_argument("--chunks", type=int, help="maximum number of chunks (default: all)")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    lists = [record for _, record in read_records(arguments.lists)]
    teacher = SentenceTransformer(arguments.model, device="cpu")
    teacher.max_seq_length = MAX_TOKENS
    rng = random.Random(7)
    chunks = list(_chunks(lists, rng))[: arguments.chunks]
    for n, chunk in enumerate(chunks):
        # Draw for finished chunks too, so that the later ones do not depend on when a run stopped.
        drawn = [_with_some_negatives(mined, rng) for mined in chunk]
        file = arguments.output / f"{n:03d}.jsonl.gz"
        if not file.exists():
            write_records(file, _scored(drawn, teacher))
            print(file, flush=True)  # noqa: T201
    prefixes = tuple(chain.from_iterable(SHARES))
    others = [mined for mined in lists if not mined["source"].startswith(prefixes)]
    rng.shuffle(others)
    kept = others[: round(PARAGRAPHS * len(chunks) * sum(SHARES.values()))]
    write_records(arguments.output / "paragraphs.jsonl.gz", kept)


def _chunks(lists: Sequence[List], rng: random.Random) -> Iterator[list[List]]:
    """Yield chunks of the three kinds by their shares until one kind is used up."""
    kinds = {
        prefixes: [mined for mined in lists if mined["source"].startswith(prefixes)]
        for prefixes in SHARES
    }
    for kind in kinds.values():
        rng.shuffle(kind)
    while all(kinds.values()):
        chunk = []
        for prefixes, share in SHARES.items():
            chunk += kinds[prefixes][:share]
            del kinds[prefixes][:share]
        rng.shuffle(chunk)
        yield chunk


def _with_some_negatives(mined: List, rng: random.Random) -> List:
    """Keep only the candidates that the teacher scores."""
    *hard, last = mined["negatives"]  # The random negative is the last.
    hard.sort(key=lambda candidate: -candidate["dense"])
    near, rest = hard[:NEAREST], hard[NEAREST:]
    chosen = near + rng.sample(rest, min(OTHERS, len(rest)))
    return {**mined, "negatives": chosen + ([last] if rng.random() < RANDOM_SHARE else [])}


def _scored(lists: Sequence[List], teacher: SentenceTransformer) -> Iterator[List]:
    texts = dict.fromkeys(
        headed_text(c["title"], c["text"]) for mined in lists for c in _candidates(mined)
    )
    queries = teacher.encode([mined["query"] for mined in lists], normalize_embeddings=True)
    vectors = teacher.encode(list(texts), normalize_embeddings=True, batch_size=8)
    rows = dict(zip(texts, vectors, strict=True))
    for mined, query in zip(lists, queries, strict=True):
        for candidate in _candidates(mined):
            vector = rows[headed_text(candidate["title"], candidate["text"])]
            candidate["strong"] = round(float(np.dot(query, vector)), 4)
        yield mined


def _candidates(mined: List) -> list[dict[str, Any]]:
    return [mined["positive"], *mined["negatives"]]


if __name__ == "__main__":
    main()
