"""Damage each file of an index in each way, and see what search, verify and repair do.

Each step runs in its own process, because a damaged search graph can crash the process that opens
it. A search should give the answers of the undamaged index, or an error that says what to do.
Verify should find what a search does not. Repair should restore the index, if it still has its
passages.

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

_TIMEOUT = 120  # seconds
_QUESTIONS = ("copper engine by the harbour", "the violin of a sailor", "a glacier in winter")
_REASON = re.compile(r" \(.*\)(?=\.)", re.DOTALL)  # specific to one damage, unlike what repair did
Step = Callable[[Path], Any]
# Not forked from this process: Chroma does not work in a child forked while an index is open.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["chromadb", "wikirank.index.verify", "wikirank.search"])


def _flip(data: bytes, positions: range) -> bytes:
    flipped = bytearray(data)
    for position in positions:
        flipped[position] ^= 0x55
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
    """The effect of damaging one file in one way.

    Attributes:
        file: The file, with `*` for a random name.
        kind: Kind of damage.
        search: `as before`, `OTHER ANSWERS`, an error's class, or how the process died.
        verify: `whole`, or the checks that found a fault.
        repair: Messages of the repair.
        after: Whether the repaired index is as before.
        message: Error messages of search, verify and repair.
    """

    file: str
    kind: str
    search: str
    verify: str
    repair: str
    after: str
    message: str = ""


def make_index(work: Path, articles: int) -> Path:
    """Create an index of a made-up wiki, with its search graph on disk."""
    rng = random.Random(0)
    write(changed({}, rng, articles), work / "wiki.jsonl")
    folder = work / "original"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(work / "wiki.jsonl"))
        with index._open_writer() as writer:
            writer.write_graph(1)  # Even for few records.
    return folder


def _search(folder: Path) -> Any:
    with WikiIndex.open(folder) as index:
        searcher = Searcher(index)
        options = SearchOptions(rerank=False, fetch_k=20)
        found = [searcher.search(question, options).candidates for question in _QUESTIONS]
        return [
            {repr(hit.passage): (hit.dense_score or 0, hit.lexical_score or 0) for hit in hits}
            for hits in found
        ]


def _verify(folder: Path) -> Any:
    return [check.name for check in verify_index(folder).checks if check.faults]


def _repair(folder: Path) -> Any:
    return repair_index(folder, full=True)


def _run_steps(steps: Sequence[Step], folder: Path, answer: Connection) -> None:
    for step in steps:
        answer.send(_run_step(step, folder))


def _run_step(step: Step, folder: Path) -> tuple[str | None, Any]:
    try:
        return None, step(folder)
    except WikirankError as err:
        return type(err).__name__, str(err)
    except BaseException as err:  # What the user would see as a traceback.
        return f"RAW {type(err).__name__}", str(err)


def in_processes(folder: Path, *steps: Step) -> list[tuple[str | None, Any]]:
    """Run steps one after the other in a new process; after a crash, go on in another one.

    Args:
        folder: Argument of each step.
        steps: The steps.

    Returns:
        For each step the class and text of its error, or None and its result.
    """
    results: list[tuple[str | None, Any]] = []
    while len(results) < len(steps):
        receiver, sender = _SERVER.Pipe(duplex=False)
        process = _SERVER.Process(target=_run_steps, args=(steps[len(results) :], folder, sender))
        process.start()
        sender.close()
        try:
            while len(results) < len(steps):
                if not receiver.poll(_TIMEOUT):
                    process.kill()
                    results.append((f"no end in {_TIMEOUT} s", ""))
                    break
                results.append(receiver.recv())
        except EOFError:
            process.join()
            results.append((f"died of signal {-(process.exitcode or 0)}", ""))
        finally:
            process.join()
            receiver.close()
    return results


def try_damage(original: Path, work: Path, file: Path, kind: str, before: Any) -> Outcome | None:
    """Damage one file of a copy of an index; return None if that would change nothing."""
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
    search, verify, repair, restored, answers = in_processes(
        folder, _search, _verify, _repair, contents, _search
    )
    searched = search[0] or ("as before" if _same(search[1], before) else "OTHER ANSWERS")
    return Outcome(
        file=_without_ids(file),
        kind=kind,
        search=searched,
        verify=verify[0] or ", ".join(verify[1]) or "whole",
        repair=repair[0] or " ".join(repair[1]) or "nothing to do",
        after=_compare(restored, answers, before),
        message=" / ".join(step[1] for step in (search, verify, repair) if step[0]),
    )


def _compare(restored: tuple[str | None, Any], answers: tuple[str | None, Any], before: Any) -> str:
    if restored[0]:
        return restored[0]
    parts = difference(restored[1], before["contents"])
    if answers[0] or not _same(answers[1], before):
        parts.append(answers[0] or "answers")
    return f"differs: {', '.join(parts)}" if parts else "as before"


def _same(answers: Any, before: Any) -> bool:
    """Return whether passages and scores are the same, except for rounding and ties."""
    for hits, expected in zip(answers, before["answers"], strict=True):
        if hits.keys() != expected.keys():
            return False
        scores = [hits[passage] for passage in expected]
        if not np.allclose(scores, list(expected.values()), atol=1e-4):
            return False
    return True


def _without_ids(file: Path) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "*", file.as_posix())


def outcomes(work: Path, articles: int, only: str, stride: int = 1) -> Iterator[Outcome]:
    """Damage one file after the other.

    Args:
        work: An empty folder.
        articles: Number of articles in the wiki.
        only: Regular expression for the files to damage; empty for all.
        stride: 1 for each damage, 2 for every second, and so on.
    """
    results = in_processes(work, partial(make_index, articles=articles))
    results += in_processes(work / "original", _search, contents)
    if faults := [f"{fault}: {message}" for fault, message in results if fault]:
        sys.exit("\n".join(faults))
    folder, before = results[0][1], {"answers": results[1][1], "contents": results[2][1]}
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    files = [file for file in files if re.search(only, file.as_posix())]
    for file, kind in islice(product(files, KINDS), 0, None, stride):
        if outcome := try_damage(folder, work, file, kind, before):
            yield outcome


def is_sound(outcome: Outcome) -> bool:
    """Return whether nothing crashed, no foreign error was raised, and repair did all it can."""
    results = f"{outcome.search} {outcome.verify} {outcome.repair} {outcome.after}"
    if re.search("RAW|signal|no end", results):
        return False
    if outcome.file == "wikirank.sqlite3":
        return "OTHER" not in outcome.search or outcome.verify != "whole"
    return outcome.after == "as before" and "OTHER" not in outcome.search


def markdown(found: list[Outcome]) -> str:
    """Return the outcomes as a table; equal outcomes of a file share a row."""
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
    """Damage the files and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="A new folder; it is emptied.")
    parser.add_argument("--articles", type=int, default=8)
    parser.add_argument("--only", default="", help="Files to damage, as a regular expression.")
    parser.add_argument("--json", type=Path, help="File for the outcomes.")
    parser.add_argument("--markdown", type=Path, help="File for the table.")
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
    print(f"{len(found)} damages, {unsound} of them handled wrongly")
    sys.exit(bool(unsound))


if __name__ == "__main__":
    main()
