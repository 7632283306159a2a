"""Articles of a dump parsed in several processes: the same as in one, whatever happens."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dump_files import MANY, dump, export, page, streams
from raw_source import Lines, parse_workers
from shared_dumps import DUMPS
from shared_dumps import dump as shared_dump

from wikirank.corpus import DumpSource
from wikirank.corpus.sources import parallel as module
from wikirank.corpus.sources.parallel import BATCH_CHARACTERS
from wikirank.errors import CorpusError
from wikirank.index import WikiIndex
from wikirank.runtime.workers import THREADS_VARIABLE
from wikirank.types import Article

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
ME = os.getpid()


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    yield
    assert parse_workers(ME) == set()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use two processes from the second article on."""
    monkeypatch.setattr(module, "_PARSED_HERE", 1)
    monkeypatch.setenv(THREADS_VARIABLE, "2")


def alone(source: DumpSource, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Article], str]:
    """The articles as one process reads them, and the error at their end."""
    with monkeypatch.context() as patch:
        patch.setenv(THREADS_VARIABLE, "1")
        return everything(source)


def everything(source: DumpSource) -> tuple[list[Article], str]:
    articles: list[Article] = []
    try:
        for article in source:
            articles.append(article)  # noqa: PERF402 - those before an error are wanted
    except CorpusError as err:
        return articles, str(err)
    return articles, ""


@pytest.mark.usefixtures("two")
class TestTheSame:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", DUMPS)
    def test_articles_of_real_dumps(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        source = DumpSource(shared_dump(name))
        expected, skipped = alone(source, monkeypatch), source.skipped
        assert everything(source) == expected
        assert source.skipped == skipped
        assert len(expected[0]) > 0

    def test_order_aliases_and_what_is_skipped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        others = page("T:x", "x", ns=1), page("Also", "x", redirect="P250")
        source = DumpSource(dump(tmp_path, *MANY[:280], *others, *MANY[280:]))
        expected, skipped = alone(source, monkeypatch), source.skipped
        assert everything(source) == expected
        assert source.skipped == skipped == {"redirect": 1, "in another namespace": 1}
        assert expected[0][250].metadata["aliases"] == ["Also"]

    @pytest.mark.parametrize("index", [0.0, 0.5, 0.95])
    def test_damage_in_the_middle(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: float
    ) -> None:
        data = streams(export(*MANY), 40)
        begins = data.index(b"BZh9", int(index * len(data)))
        path = tmp_path / "a.xml.bz2"
        path.write_bytes(data[: begins + 30] + b"\xff" * 9 + data[begins + 39 :])
        articles, error = expected = alone(DumpSource(path), monkeypatch)
        assert everything(DumpSource(path)) == expected
        assert "a.xml.bz2 (line" in error
        assert int(index * 280) <= len(articles) < 300

    def test_a_parse_error_comes_in_place_of_its_article(self) -> None:
        titles: list[str] = []
        lines = [f"line {number}" for number in range(300)]
        with pytest.raises(KeyError, match="no such line") as caught:
            titles.extend(article.title for article in Lines([*lines, "RAISE", *lines]))
        assert titles == lines
        assert "raw_source.py" in str(caught.value.__cause__)

    def test_what_is_printed_meanwhile_does_no_harm(self) -> None:
        lines = ["PRINT"] * 3
        assert [article.text for article in list(Lines(["first", *lines]))[1:]] == lines


class TestHowMany:
    def test_none_for_a_small_dump(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(THREADS_VARIABLE, "2")
        source = DumpSource(dump(tmp_path, *MANY))
        assert [len(parse_workers(ME)) for n, _ in enumerate(source) if n % 100 == 99] == [0, 0, 0]

    def test_none_with_one_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(THREADS_VARIABLE, "1")
        for _ in Lines(["x" * 2**20] * 5):
            assert not parse_workers(ME)

    def test_as_many_as_threads_once_two_million_characters_are_made(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(THREADS_VARIABLE, "3")
        found = [len(parse_workers(ME)) for _ in Lines(["x" * 2**20] * 5)]
        assert found == [0, 0, 3, 3, 3]


@pytest.mark.usefixtures("two")
class TestAhead:
    def test_few_are_read_before_they_are_wanted(self) -> None:
        source = Lines([f"line {number}" for number in range(5000)])
        ahead = [source.read - number for number, _ in enumerate(source)]
        assert 128 < max(ahead) <= 6 * 128

    def test_fewer_if_they_are_long(self) -> None:
        source = Lines([str(number) + "x" * 4 * BATCH_CHARACTERS for number in range(20)])
        ahead = [source.read - number for number, _ in enumerate(source)]
        assert max(ahead) <= 4
        assert source.read == 20


@pytest.mark.usefixtures("two")
class TestDeath:
    @pytest.mark.parametrize(
        ("order", "how"), [("KILLED", "killed by SIGKILL"), ("EXIT", "exit status 3")]
    )
    def test_a_process_that_dies_is_a_clear_error(self, order: str, how: str) -> None:
        lines = [f"line {number}" for number in range(128)]
        titles: list[str] = []
        message = f"^/wiki/lines: a process that parses its pages ended: {how}.*Run the same"
        with pytest.raises(CorpusError, match=message):
            titles.extend(article.title for article in Lines(["first", *lines, order, *lines]))
        assert titles == ["first", *lines]

    def test_one_that_is_killed_from_outside(self) -> None:
        articles = iter(Lines([f"line {number}" for number in range(50_000)]))
        assert [next(articles).title for _ in range(2)] == ["line 0", "line 1"]
        for process in parse_workers(ME):
            os.kill(process, signal.SIGKILL)
        with pytest.raises(CorpusError, match="killed by SIGKILL"):
            list(articles)

    def test_one_that_cannot_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "/no/such/python")
        with pytest.raises(CorpusError, match=r"cannot be started: .*/no/such/python"):
            list(Lines(["a", "b", "c"]))

    def test_indexing_keeps_what_came_before(self, tmp_path: Path) -> None:
        def kill(_: object) -> None:
            for process in parse_workers(ME):
                os.kill(process, signal.SIGKILL)

        hidden = f"<!-- {'x' * BATCH_CHARACTERS} -->"  # Fills a batch with one article.
        pages = [page(f"P{n}", f"Text {n}. {hidden if n > 130 else ''}") for n in range(160)]
        with WikiIndex.create(tmp_path / "index") as index:
            with pytest.raises(CorpusError, match="killed by SIGKILL"):
                index.add_source(DumpSource(dump(tmp_path, *pages)), on_progress=kill)
            assert 128 <= index.info().sources["wiki.xml"] < 160


@pytest.mark.usefixtures("two")
class TestLeaving:
    def test_closing(self) -> None:
        articles = iter(Lines(["line"] * 9000))
        assert [next(articles).title for _ in range(300)] == ["line"] * 300
        assert len(parse_workers(ME)) == 2
        articles.close()  # type: ignore[attr-defined]
        assert not parse_workers(ME)

    def test_forgetting(self) -> None:
        for number, _ in enumerate(Lines(["line"] * 9000)):
            if number == 300:
                break
        gc.collect()
        assert not parse_workers(ME)

    def test_an_interrupted_index_run(self, tmp_path: Path) -> None:
        source = DumpSource(dump(tmp_path, *MANY))
        seen: list[int] = []

        def interrupt(_: object) -> None:
            seen.append(len(parse_workers(ME)))
            raise KeyboardInterrupt

        with WikiIndex.create(tmp_path / "index") as index:
            with pytest.raises(KeyboardInterrupt) as caught:
                index.add_source(source, on_progress=interrupt)
            assert caught.tb is not None  # The traceback keeps the abandoned iterator alive.
            assert seen == [2]
            assert not parse_workers(ME)

    def test_nothing_of_the_current_folder_is_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("pickle", "sys", "re", "wikirank"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
        assert len(list(Lines(["line"] * 300))) == 300
