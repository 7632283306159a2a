"""Kill `wikirank index` many times, change its source in between, and compare.

Half of the kills come at random moments. The other half wait until a file of the index changes, and
come then. After each kill the source changes. After three of four kills, a run is left to finish;
the index must then have exactly the contents of an undisturbed one.

    python benchmarks/kills.py --kills 100 --work /tmp/kills
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from wikirank.corpus import open_source
from wikirank.index import WikiIndex
from wikirank.index.preconditions import is_index
from wikirank.index.verify.run import verify_index

WIKIRANK = str(Path(sys.executable).with_name("wikirank"))
Wiki = dict[str, str]
_WORDS = (
    "river",
    "stone",
    "copper",
    "engine",
    "harbour",
    "treaty",
    "orchard",
    "glacier",
    "violin",
    "lantern",
    "desert",
    "sailor",
    "comet",
    "bridge",
    "forest",
    "market",
    "winter",
    "silver",
    "thunder",
    "garden",
    "castle",
    "island",
    "theatre",
    "railway",
)
_WATCHED = ("chroma.writing", "wikirank.sqlite3-wal", "chroma/*/*", "chroma/*", "lexical/meta.json")


def new_text(rng: random.Random) -> str:
    """Make up some sentences in two sections."""

    def sentences(number: int) -> str:
        return " ".join(f"The {' '.join(rng.sample(_WORDS, 7))} is old." for _ in range(number))

    return f"{sentences(rng.randint(2, 9))}\n== {rng.choice(_WORDS)} ==\n{sentences(4)}"


def changed(wiki: Wiki, rng: random.Random, size: int) -> Wiki:
    """Change, rename and delete a tenth of a wiki's articles each, and add as many new ones."""
    titles = rng.sample(sorted(wiki), max(3, len(wiki) * 3 // 10)) if wiki else []
    third = len(titles) // 3
    later = {title: text for title, text in wiki.items() if title not in titles[third:]}
    later.update({title: new_text(rng) for title in titles[:third]})
    later.update({f"{title} (renamed)": wiki[title] for title in titles[third : 2 * third]})
    while len(later) < size:
        later[f"Article {rng.randrange(10**6)}"] = new_text(rng)
    return later


def write(wiki: Wiki, path: Path) -> None:
    """Write a wiki as JSON lines."""
    lines = (json.dumps({"title": title, "text": text}) for title, text in wiki.items())
    path.write_text("\n".join(lines), encoding="utf-8")


def contents(folder: Path) -> dict[str, Any]:
    """Return the contents of an index: passages, ledger, Chroma's records, lexical index."""
    with WikiIndex.open(folder) as index:
        connection = index.store.connection
        ids = sorted(index.dense.ids())
        records = index.dense.get(ids)
        passages = list(index.store.select("1"))
        return {
            "passages": connection.execute("SELECT * FROM passages ORDER BY id").fetchall(),
            "ledger": connection.execute("SELECT * FROM articles ORDER BY 1, 2").fetchall(),
            "pending": connection.execute("SELECT * FROM pending").fetchall(),
            "Chroma": {id_: (record.text, record.metadata) for id_, record in records.items()},
            "vectors": np.array([records[id_].vector for id_ in ids]),
            "lexical": (index.lexical.count(), sorted(index.lexical.indexed_ids(ids))),
            "words": sorted(p.id for p in passages if index.lexical.is_findable(p)),
        }


def difference(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Return the names of the parts in which the contents of two indexes differ."""
    parts = [part for part in left if part != "vectors" and left[part] != right[part]]
    same = left["vectors"].shape == right["vectors"].shape
    if not same or not np.allclose(left["vectors"], right["vectors"], atol=1e-5):
        parts.append("vectors")
    return parts


class Killer:
    """Runs and kills `wikirank index` over one wiki.

    Args:
        work: Folder for the wiki and the index.
        rng: Source of randomness.
    """

    def __init__(self, work: Path, rng: random.Random) -> None:
        self.wiki = work / "wiki.jsonl"
        self.index = work / "killed"
        self.tally: Counter[str] = Counter()
        self._rng = rng
        self._seconds = 1.0  # How long the last run wrote.

    def start(self) -> subprocess.Popen[str]:
        """Start a run."""
        command = [WIKIRANK, "index", str(self.wiki), "--into", str(self.index), "--quiet"]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def run(self) -> None:
        """Run until the end."""
        process = self.start()
        began = self._wait_for_writing(process)
        while process.poll() is None and self._is_locked():
            time.sleep(0.01)
        self._seconds = time.monotonic() - began
        _, errors = process.communicate(timeout=600)
        if process.returncode != 0:
            sys.exit(f"An undisturbed run failed: {errors}")

    def kill(self) -> None:
        """Start a run and kill it while it writes, unless it ends before."""
        process = self.start()
        self._wait_for_writing(process)
        deadline = time.monotonic() + self._seconds * self._rng.random()
        aimed = self._rng.random() < 0.5
        before = self._stamps()
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.001)
        if aimed:
            before = self._stamps()
            while self._stamps() == before and process.poll() is None:
                time.sleep(0.0005)
            time.sleep(self._rng.choice((0, 0.001, 0.005, 0.02, 0.1)))
        was_writing = process.poll() is None and self._is_locked()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        self._count(aimed=aimed, was_writing=was_writing, killed=process.returncode < 0)

    def _count(self, *, aimed: bool, was_writing: bool, killed: bool) -> None:
        self.tally["kills" if killed else "ended before the kill"] += 1
        if not killed:
            return
        self.tally["aimed at a change of a file"] += aimed
        self.tally["with the write lock held"] += was_writing
        self.tally["inside a write of Chroma"] += (self.index / "chroma.writing").exists()
        if not is_index(self.index):
            return
        with WikiIndex.open(self.index) as index:
            pending = index.store.connection.execute("SELECT count(*) FROM pending").fetchone()[0]
            self.tally["with passages half written"] += bool(pending)
            self.tally["with the search graph damaged"] += index.dense.damage() is not None

    def _wait_for_writing(self, process: subprocess.Popen[str]) -> float:
        while process.poll() is None and not self._is_locked():
            time.sleep(0.002)
        return time.monotonic()

    def _is_locked(self) -> bool:
        # Looked up, not acquired: holding the lock even for a moment could make the run fail.
        try:
            inode = (self.index / "write.lock").stat().st_ino
            return f":{inode} " in Path("/proc/locks").read_text()
        except OSError:
            return False

    def _stamps(self) -> list[tuple[str, int, int]]:
        stamps = []
        for pattern in _WATCHED:
            for file in self.index.glob(pattern):
                try:
                    status = file.stat()
                except OSError:
                    continue
                stamps.append((str(file), status.st_mtime_ns, status.st_size))
        return stamps


def write_graph_every(folder: Path, records: int) -> None:
    """Set after how many new records Chroma writes the search graph of an index."""
    with WikiIndex.open(folder) as index, index.dense._use() as collection:
        collection.modify(configuration={"hnsw": {"sync_threshold": records}})


def kill_often(
    work: Path, *, kills: int, articles: int, graph_every: int, seed: int
) -> Counter[str]:
    """Kill, resume and compare.

    Args:
        work: An empty or new folder.
        kills: Number of runs to kill.
        articles: Number of articles in the wiki.
        graph_every: Records after which Chroma writes its search graph.
        seed: Seed of the random numbers.

    Returns:
        Number of kills by circumstance, and number of comparisons.

    Raises:
        SystemExit: If an index differs from the undisturbed one.
    """
    work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    killer = Killer(work, rng)
    wiki = changed({}, rng, articles // 8)
    write(wiki, killer.wiki)
    killer.kill()  # While the index is created.
    killer.run()
    write_graph_every(killer.index, graph_every)
    undisturbed = WikiIndex.create(work / "undisturbed")
    while killer.tally["kills"] < kills:
        wiki = changed(wiki, rng, articles)
        write(wiki, killer.wiki)
        killer.kill()
        if rng.random() < 0.25 and killer.tally["kills"] < kills:
            continue  # The next kill hits the run that should recover from this one.
        if rng.random() < 0.5:
            wiki = changed(wiki, rng, articles)
            write(wiki, killer.wiki)
        killer.run()
        undisturbed.add_source(open_source(killer.wiki))
        _compare(killer, undisturbed.path)
        print(dict(killer.tally), flush=True)
    undisturbed.close()
    result = verify_index(killer.index, full=True)
    if not result.whole:
        sys.exit(f"verify: {result.as_dict()}")
    return killer.tally


def _compare(killer: Killer, undisturbed: Path) -> None:
    parts = difference(contents(killer.index), contents(undisturbed))
    if parts:
        sys.exit(f"After {dict(killer.tally)} the index differs in {', '.join(parts)}.")
    killer.tally["runs to the end, compared and equal"] += 1


def main() -> None:
    """Kill, and print the tally."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--articles", type=int, default=160)
    parser.add_argument(
        "--graph-every",
        type=int,
        default=40,
        help="Records after which Chroma writes its graph. Few give more moments to kill in; with "
        "Chroma's default of 1000 it is written only at the end of each run.",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, required=True, help="A new folder; it is emptied.")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    began = time.monotonic()
    tally = kill_often(
        options.work,
        kills=options.kills,
        articles=options.articles,
        graph_every=options.graph_every,
        seed=options.seed,
    )
    for name, number in tally.items():
        print(f"{number:5d}  {name}")
    print(f"{time.monotonic() - began:.0f} s, seed {options.seed}")


if __name__ == "__main__":
    main()
