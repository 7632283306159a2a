"""Damage each file of an index in each way, and see what search, verify and repair do.

Each step is a process of its own, as a damaged search graph can crash whoever opens it. A search
is to give the answers of the whole index or an error that says what to do, verify to find what a
search cannot, and repair to bring back the index as it was, if the passages are there.

    python benchmarks/damage.py --work /tmp/damage --markdown damage.md
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice, product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from kills import changed, contents, difference, write

from wikirank.corpus import open_source
from wikirank.errors import WikirankError
from wikirank.index import WikiIndex
from wikirank.index.verify.repair import repair_index
from wikirank.index.verify.run import verify_index
from wikirank.search import Searcher, SearchOptions

_PATIENCE = 120
_QUESTIONS = ("copper engine by the harbour", "the violin of a sailor", "a glacier in winter")
_REASON = re.compile(r" \(.*\)(?=\.)", re.DOTALL)  # of one damage, beside what repair did
Step = Callable[[Path], Any]
# Not forked from this process, which may have an index open: Chroma cannot work in such a child.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["chromadb", "wikirank.index.verify", "wikirank.search"])


def _flip(data: bytes, places: range) -> bytes:
    flipped = bytearray(data)
    for place in places:
        flipped[place] ^= 0x55
    return bytes(flipped)


KINDS: dict[str, Callable[[bytes], bytes | None]] = {
    "deleted": lambda _: None,
    "empty": lambda _: b"",
    "cut in half": lambda data: data[: len(data) // 2],
    "last byte gone": lambda data: data[:-1],
    "a bit in 97 bytes": lambda data: _flip(data, range(40, len(data), 97)),
    "first bytes": lambda data: _flip(data, range(min(16, len(data)))),
    "middle of zeros": lambda data: (
        data[: len(data) // 3] + bytes(len(data) // 3) + data[len(data) // 3 * 2 :]
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file damaged in one way.

    Attributes:
        file: The file, its random name as `*`.
        kind: What was done to it.
        search: `as before`, `other answers`, an error's class, or how the process died.
        verify: `whole`, or the checks that found a fault.
        repair: What it did, in its words.
        after: Whether the index is as it was then.
        message: What the search said.
    """

    file: str
    kind: str
    search: str
    verify: str
    repair: str
    after: str
    message: str = ""


def make_index(work: Path, articles: int) -> Path:
    """An index of a made-up wiki whose search graph is on disk."""
    rng = random.Random(0)
    write(changed({}, rng, articles), work / "wiki.jsonl")
    folder = work / "original"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(work / "wiki.jsonl"))
        with index._open_writer() as writer:
            writer.write_graph(1)  # However few the records are.
    return folder


def _answers(folder: Path) -> Any:
    with WikiIndex.open(folder) as index:
        searcher = Searcher(index)
        options = SearchOptions(rerank=False, fetch_k=20)
        found = [searcher.search(question, options).candidates for question in _QUESTIONS]
        return [
            {repr(hit.passage): (hit.dense_score or 0, hit.lexical_score or 0) for hit in hits}
            for hits in found
        ]


def _faulty(folder: Path) -> Any:
    return [check.name for check in verify_index(folder).checks if check.faults]


def _repaired(folder: Path) -> Any:
    return repair_index(folder, full=True)


def _in_child(steps: Sequence[Step], folder: Path, answer: Connection) -> None:
    for step in steps:
        answer.send(_tried(step, folder))


def _tried(step: Step, folder: Path) -> tuple[str | None, Any]:
    try:
        return None, step(folder)
    except WikirankError as err:
        return type(err).__name__, str(err)
    except BaseException as err:  # What the user would see as a traceback.
        return f"RAW {type(err).__name__}", str(err)


def in_processes(folder: Path, *steps: Step) -> list[tuple[str | None, Any]]:
    """Do one thing after the other in a new process, and after each crash in another.

    Args:
        folder: What each step is called with.
        steps: The steps.

    Returns:
        Of each the error's class and text, or None and its result.
    """
    told: list[tuple[str | None, Any]] = []
    while len(told) < len(steps):
        receiver, sender = _SERVER.Pipe(duplex=False)
        process = _SERVER.Process(target=_in_child, args=(steps[len(told) :], folder, sender))
        process.start()
        sender.close()
        try:
            while len(told) < len(steps):
                if not receiver.poll(_PATIENCE):
                    process.kill()
                    told.append((f"no end in {_PATIENCE} s", ""))
                    break
                told.append(receiver.recv())
        except EOFError:
            process.join()
            told.append((f"died of signal {-(process.exitcode or 0)}", ""))
        finally:
            process.join()
            receiver.close()
    return told


def try_damage(original: Path, work: Path, file: Path, kind: str, before: Any) -> Outcome | None:
    """Damage one file of a copy of an index; None where that would change nothing."""
    data = (original / file).read_bytes()
    damaged = KINDS[kind](data)
    if damaged == data:
        return None
    folder = work / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    if damaged is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(damaged)
    search, verify, repair, held, answers = in_processes(
        folder, _answers, _faulty, _repaired, contents, _answers
    )
    searched = search[0] or ("as before" if _same(search[1], before) else "OTHER ANSWERS")
    return Outcome(
        file=_shown(file),
        kind=kind,
        search=searched,
        verify=verify[0] or ", ".join(verify[1]) or "whole",
        repair=repair[0] or " ".join(repair[1]) or "nothing to do",
        after=_compared(held, answers, before),
        message=" / ".join(step[1] for step in (search, verify, repair) if step[0]),
    )


def _compared(held: tuple[str | None, Any], answers: tuple[str | None, Any], before: Any) -> str:
    if held[0]:
        return held[0]
    parts = difference(held[1], before["contents"])
    if answers[0] or not _same(answers[1], before):
        parts.append(answers[0] or "answers")
    return f"differs: {', '.join(parts)}" if parts else "as before"


def _same(answers: Any, before: Any) -> bool:
    """Whether the same passages were found with the same scores, but for rounding and ties."""
    for hits, expected in zip(answers, before["answers"], strict=True):
        if hits.keys() != expected.keys():
            return False
        scores = [hits[passage] for passage in expected]
        if not np.allclose(scores, list(expected.values()), atol=1e-4):
            return False
    return True


def _shown(file: Path) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "*", file.as_posix())


def outcomes(work: Path, articles: int, only: str, stride: int = 1) -> Iterator[Outcome]:
    """Damage file after file.

    Args:
        work: An empty folder.
        articles: Articles of the wiki.
        only: Which files, as a regular expression; all where empty.
        stride: Try each damage of these files, or only every second, third, ...
    """
    told = in_processes(work, partial(make_index, articles=articles))
    told += in_processes(work / "original", _answers, contents)
    if faults := [f"{fault}: {said}" for fault, said in told if fault]:
        sys.exit("\n".join(faults))
    folder, before = told[0][1], {"answers": told[1][1], "contents": told[2][1]}
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    files = [file for file in files if re.search(only, file.as_posix())]
    for file, kind in islice(product(files, KINDS), 0, None, stride):
        if outcome := try_damage(folder, work, file, kind, before):
            yield outcome


def is_sound(outcome: Outcome) -> bool:
    """Whether nothing crashed, no raw error came, and what can be mended was."""
    said = f"{outcome.search} {outcome.verify} {outcome.repair} {outcome.after}"
    if re.search("RAW|signal|no end", said):
        return False
    if outcome.file == "wikirank.sqlite3":
        return "OTHER" not in outcome.search or outcome.verify != "whole"
    return outcome.after == "as before" and "OTHER" not in outcome.search


def markdown(found: list[Outcome]) -> str:
    """The outcomes as a table, those of a file that agree in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for outcome in found:
        repair = _REASON.sub("", outcome.repair)
        key = (outcome.file, outcome.search, outcome.verify, repair, outcome.after)
        rows.setdefault(key, []).append(outcome.kind)
    lines = ["| file | damage | search | verify | repair | then |", "|---|---|---|---|---|---|"]
    for (file, *rest), kinds in rows.items():
        cells = [f"`{file}`", ", ".join(kinds), *rest]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the options, damage, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="A new folder; it is emptied.")
    parser.add_argument("--articles", type=int, default=8)
    parser.add_argument("--only", default="", help="Files to damage, as a regular expression.")
    parser.add_argument("--json", type=Path, help="Where to write the outcomes.")
    parser.add_argument("--markdown", type=Path, help="Where to write the table.")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    found = []
    for outcome in outcomes(options.work, options.articles, options.only):
        found.append(outcome)
        mark = "  " if is_sound(outcome) else "! "
        print(mark, *list(asdict(outcome).values())[:-1], sep=" | ", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(o) for o in found], indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(found), encoding="utf-8")
    unsound = sum(not is_sound(outcome) for outcome in found)
    print(f"{len(found)} damages, {unsound} of them not as they should be")
    sys.exit(bool(unsound))


if __name__ == "__main__":
    main()
