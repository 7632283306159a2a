"""The corpus that whole stacks are compared on, and both stacks' indexes of it; built once."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from contestants.environments import python_of
from contestants.processes import ContestantProcess
from contestants.stacks import OURS, STOCK
from squad import corpus, load_squad

_DONE = "made.txt"


@dataclass(frozen=True, slots=True)
class Stacks:
    """Files that both stacks need, in a cache folder.

    Attributes:
        cache: The cache folder.
        corpus: File of passages, with a JSON record `{"id", "text"}` per line.
        weights: Folder of the cross-encoder's weights in the form that torch reads.
        distractors: Number of passages from the sample corpus.
    """

    cache: Path
    corpus: Path
    weights: Path
    distractors: int

    @classmethod
    def prepare(cls, cache: Path, data: Path, distractors: int, weights: Path) -> Stacks:
        """Write the corpus, unless it exists: SQuAD dev, and passages of the sample corpus.

        Args:
            cache: The cache folder.
            data: Folder of SQuAD dev.
            distractors: Number of passages from the sample corpus.
            weights: Folder that `contestants.weights` wrote.

        Returns:
            The stacks, not indexed yet.
        """
        file = (cache / f"corpus-{distractors}.jsonl").absolute()
        if not file.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            passages = corpus(load_squad(data), distractors)
            lines = (json.dumps({"id": p.id, "text": p.headed_text}) + "\n" for p in passages)
            part = file.with_suffix(".part")
            part.write_text("".join(lines), "utf-8")
            part.rename(file)
        return cls(cache.absolute(), file, weights, distractors)

    def index(self, name: str) -> Path:
        """Return the folder of a stack's index; build the index unless it is complete.

        Args:
            name: `wikirank` or `langchain`.

        Returns:
            The folder.
        """
        folder = self.cache / f"index-{name}-{self.distractors}"
        mark = self.cache / f"{folder.name}-{_DONE}"
        if not mark.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            print(f"Indexing {self.corpus.name} with {name}", file=sys.stderr, flush=True)
            arguments = {"name": name, "corpus": str(self.corpus), "folder": str(folder)}
            target = "contestants.stacks:build"
            with ContestantProcess(target, arguments, python=self.python(name)) as building:
                mark.write_text(str(building.ask()["passages"]), "utf-8")
        return folder

    def open(self, name: str) -> ContestantProcess:
        """Start a stack's process.

        Args:
            name: `wikirank` or `langchain`.

        Returns:
            The process, ready for questions.
        """
        arguments = {
            "name": name,
            "corpus": str(self.corpus),
            "folder": str(self.index(name)),
            "weights": str(self.weights),
        }
        return ContestantProcess("contestants.stacks:load", arguments, python=self.python(name))

    def python(self, name: str) -> str | None:
        """Return the interpreter of a stack; None for the current one."""
        return python_of("langchain", self.cache) if name == STOCK else None


STACKS = {OURS: "`WikiRetriever`", STOCK: "LangChain's parts, torch"}
