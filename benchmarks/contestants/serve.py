"""A contestant's process: reads requests and writes replies, one JSON object per line.

Usage: python -m contestants.serve MODULE:FUNCTION ARGUMENTS

FUNCTION of MODULE is called with ARGUMENTS, a JSON object, and returns a function that answers
requests. Only answering is timed, in seconds and in CPU seconds of all threads. The first line of
output says how long loading took.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

from machine import loaded_versions, peak_memory_mb

Answer = Callable[[dict[str, Any]], dict[str, Any]]

_PACKAGES = (
    "chromadb",
    "datasets",
    "fastembed",
    "flashrank",
    "jq",
    "langchain_chroma",
    "langchain_classic",
    "langchain_community",
    "langchain_core",
    "langchain_huggingface",
    "langchain_text_splitters",
    "libzim",
    "lxml",
    "mwclient",
    "mwparserfromhell",
    "mwxml",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "rank_bm25",
    "rerankers",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "transformers",
    "wikiextractor",
)


def main() -> None:
    """Load the contestant, then answer until the input ends."""
    # Output of the libraries must not mix with the replies.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def reply(make: Callable[[], dict[str, Any]]) -> None:
        started, began = perf_counter(), process_time()
        try:
            made = make()
            made.setdefault("seconds", perf_counter() - started)
            made["cpu_seconds"] = process_time() - began
            made["peak_mb"] = peak_memory_mb()
        except Exception:
            made = {"error": traceback.format_exc()}
        print(json.dumps(made), file=replies, flush=True)

    answer: list[Answer] = []

    def load() -> dict[str, Any]:
        module, function = sys.argv[1].split(":")
        made = getattr(import_module(module), function)(**json.loads(sys.argv[2]))
        answer.append(made)
        return {"versions": loaded_versions(_PACKAGES)}

    reply(load)
    if answer:
        for line in sys.stdin:
            request = json.loads(line)
            reply(lambda request=request: answer[0](request))


if __name__ == "__main__":
    main()
