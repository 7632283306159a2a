"""The corpus that whole stacks are compared on, and both stacks' indexes of it, made once."""

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
    """What both stacks need, made in a cache folder.

    Attributes:
        cache: The folder.
        corpus: The passages, a JSON record `{"id", "text"}` a line.
        weights: The cross-encoder's weights as torch takes them.
        distractors: Passages of the sample corpus in it.
    """

    cache: Path
    corpus: Path
    weights: Path
    distractors: int

    @classmethod
    def prepare(cls, cache: Path, data: Path, distractors: int, weights: Path) -> Stacks:
        """Write the corpus, if it is not there: SQuAD dev, and passages of the sample corpus.

        Args:
            cache: Where to.
            data: Folder of SQuAD dev.
            distractors: How many of the latter.
            weights: As `contestants.weights` wrote them.

        Returns:
            The stacks, not indexed yet.
        """
        file = (cache / f"corpus-{distractors}.jsonl").absolute()
        if not file.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            passages = corpus(load_squad(data), distractors)
            lines = (json.dumps({"id": p.id, "text": p.headed_text}) + "\n" for p in passages)
            whole = file.with_suffix(".part")
            whole.write_text("".join(lines), "utf-8")
            whole.rename(file)
        return cls(cache.absolute(), file, weights, distractors)

    def index(self, name: str) -> Path:
        """The index of a stack, made if it is not there whole.

        Args:
            name: `wikirank` or `langchain`.

        Returns:
            Its folder.
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
        """The interpreter of a stack; None for this one."""
        return python_of("langchain", self.cache) if name == STOCK else None


STACKS = {OURS: "`WikiRetriever`", STOCK: "LangChain's parts, torch"}
