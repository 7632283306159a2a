"""Add the cosines of a stronger bi-encoder to lists of `scripts/search_lists.py`.

Usage: python scripts/strong_teacher.py LISTS MODEL OUTPUT [--chunks N]

MODEL is a sentence-transformers bi-encoder. One of the size of all-mpnet-base-v2 takes 0.12 s a
passage on two cores: so of each list go the positive, its three candidates nearest by the bundled
embedder, one of the others, and now and then the random one. Writes OUTPUT/NNN.jsonl.gz,
chunks of 256 lists in which people's search questions of three kinds have the same shares; the
same command goes on where it was stopped. Then OUTPUT/paragraphs.jsonl.gz: lists of the other
sources as they are, an eighth of all, so that what the model knows of them stays.
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
"""Lists of a chunk by how their source's name begins."""
PARAGRAPHS = 0.15
"""Lists of other sources for each of these."""
NEAREST, OTHERS, RANDOM_SHARE = 3, 1, 0.3
MAX_TOKENS = 128

List = dict[str, Any]


def main() -> None:
    """Write the chunks that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", type=Path, help="lists.jsonl.gz of search_lists.py")
    parser.add_argument("model", help="folder of the bi-encoder")
    parser.add_argument("output", type=Path)
    parser.add_argument("--chunks", type=int, help="most chunks; all that the lists give if absent")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    lists = [record for _, record in read_records(arguments.lists)]
    teacher = SentenceTransformer(arguments.model, device="cpu")
    teacher.max_seq_length = MAX_TOKENS
    rng = random.Random(7)
    chunks = list(_chunks(lists, rng))[: arguments.chunks]
    for n, chunk in enumerate(chunks):
        drawn = [_drawn(one, rng) for one in chunk]  # Of chunks that are there too: always alike.
        file = arguments.output / f"{n:03d}.jsonl.gz"
        if not file.exists():
            write_records(file, _scored(drawn, teacher))
            print(file, flush=True)  # noqa: T201
    begins = tuple(chain.from_iterable(SHARES))
    others = [one for one in lists if not one["source"].startswith(begins)]
    rng.shuffle(others)
    kept = others[: round(PARAGRAPHS * len(chunks) * sum(SHARES.values()))]
    write_records(arguments.output / "paragraphs.jsonl.gz", kept)


def _chunks(lists: Sequence[List], rng: random.Random) -> Iterator[list[List]]:
    """Lists of the three kinds by their shares, as long as there are some of each."""
    kinds = {begins: [x for x in lists if x["source"].startswith(begins)] for begins in SHARES}
    for kind in kinds.values():
        rng.shuffle(kind)
    while all(kinds.values()):
        chunk = []
        for begins, share in SHARES.items():
            chunk += kinds[begins][:share]
            del kinds[begins][:share]
        rng.shuffle(chunk)
        yield chunk


def _drawn(one: List, rng: random.Random) -> List:
    """The list with the candidates that the teacher scores."""
    *mined, last = one["negatives"]
    mined.sort(key=lambda candidate: -candidate["dense"])
    near, rest = mined[:NEAREST], mined[NEAREST:]
    chosen = near + rng.sample(rest, min(OTHERS, len(rest)))
    return {**one, "negatives": chosen + ([last] if rng.random() < RANDOM_SHARE else [])}


def _scored(lists: Sequence[List], teacher: SentenceTransformer) -> Iterator[List]:
    texts = dict.fromkeys(
        headed_text(c["title"], c["text"]) for one in lists for c in _candidates(one)
    )
    queries = teacher.encode([one["query"] for one in lists], normalize_embeddings=True)
    vectors = teacher.encode(list(texts), normalize_embeddings=True, batch_size=8)
    rows = dict(zip(texts, vectors, strict=True))
    for one, query in zip(lists, queries, strict=True):
        for candidate in _candidates(one):
            vector = rows[headed_text(candidate["title"], candidate["text"])]
            candidate["strong"] = round(float(np.dot(query, vector)), 4)
        yield one


def _candidates(one: List) -> list[dict[str, Any]]:
    return [one["positive"], *one["negatives"]]


if __name__ == "__main__":
    main()
