"""The steps of cluster workers, run in this process without Ray."""

from __future__ import annotations

import json
import pickle
from collections.abc import Generator
from pathlib import Path

import pytest
from dump_files import dump, page
from hypothesis import given
from hypothesis import strategies as st
from index_snapshot import snapshot

from wikirank import _extras
from wikirank.cluster import RayWorkers
from wikirank.corpus import DividedSource, ParquetSource, RawSource, Source, open_source
from wikirank.embed import load_embedder
from wikirank.errors import CorpusError, IndexMismatchError, MissingExtraError
from wikirank.index import WikiIndex
from wikirank.index.ingest_workers import IngestJob, PreparedArticle
from wikirank.passages.cut import article_passages, with_key
from wikirank.passages.splitters import SentenceSplitter
from wikirank.types import Article

pytest.importorskip("pyarrow", reason="needs the [ray] extra, or [parquet]")

from wikirank.cluster.steps import Preparer, PrepareSettings, digest_hints
from wikirank.corpus.sources.parallel import read_batches


class Here:
    """Run both steps in this process; each group is pickled in between, as in a cluster."""

    def __init__(self) -> None:
        self.uncut = 0

    def count(self, source: Source) -> int | None:
        return None if isinstance(source, RawSource) else source.count()

    def prepare(self, job: IngestJob) -> Generator[PreparedArticle, None, None]:
        settings = PrepareSettings.for_source(job.source, job.splitter, job.model_id, load_embedder)
        preparer = Preparer(pickle.loads(pickle.dumps(settings)), digest_hints(job.known))
        divided = isinstance(job.source, DividedSource)
        for part in job.source.shards() if divided else [job.source]:
            for read in read_batches(pickle.loads(pickle.dumps(part))):
                group = pickle.loads(
                    pickle.dumps(preparer.prepare(pickle.loads(pickle.dumps(read))))
                )
                self.uncut += sum(article.article is not None for article in group.articles)
                yield from group.articles
                job.skipped.update(group.skipped)
                if group.fault:
                    raise group.fault


def write(path: Path, *articles: tuple[str, str]) -> Path:
    lines = (json.dumps({"title": title, "text": text}) for title, text in articles)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_articles_of_one_title_get_the_keys_that_they_get_without(tmp_path: Path) -> None:
    """Only the index knows which of them comes first, and that can change."""
    wiki = tmp_path / "wiki.jsonl"
    bees, cats = ("A", "Bees fly.\n== Wax ==\nBees make wax."), ("A", "Cats purr.")
    versions = [[bees, cats, ("B", "So.")], [cats, bees, ("B", "So.")], [bees, bees, ("C", "New.")]]
    with WikiIndex.create(tmp_path / "a") as ours, WikiIndex.create(tmp_path / "b") as theirs:
        for version in versions:
            write(wiki, *version)
            reports = [
                index.add_source(open_source(wiki), workers=workers)
                for index, workers in ((ours, Here()), (theirs, None))
            ]
            assert reports[0].summary().partition(" in ")[0] in reports[1].summary()
            assert snapshot(ours) == snapshot(theirs)
        workers = Here()
        assert ours.add_source(open_source(wiki), workers=workers, reread=True).unchanged == 3
        assert workers.uncut == 3  # and so not embedded


def test_what_is_unchanged_comes_uncut_and_what_changed_with_vectors(tmp_path: Path) -> None:
    articles = [Article("A", "Bees fly."), Article("B", "Cats purr."), Article("C", " ")]
    settings = PrepareSettings(
        "wiki", None, SentenceSplitter(), load_embedder().model_id, load_embedder
    )
    preparer = Preparer(settings, digest_hints([PreparedArticle.from_article(articles[0]).digest]))
    (read,) = read_batches(
        open_source(write(tmp_path / "w.jsonl", *((a.title, a.text) for a in articles)))
    )
    same, changed, blank = preparer.prepare(read).articles
    assert (same.article, same.passages, same.vectors) == (articles[0], (), None)
    assert changed.article is None
    assert [passage.text for passage in changed.passages] == ["Cats purr."]
    assert changed.vectors is not None
    assert changed.vectors.shape == (1, 384)
    assert (blank.article, list(blank.passages)) == (None, [])


def test_another_model_than_the_indexs_is_an_error(tmp_path: Path) -> None:
    settings = PrepareSettings("wiki", None, SentenceSplitter(), "another-model", load_embedder)
    (read,) = read_batches(open_source(write(tmp_path / "wiki.jsonl", ("A", "Bees fly."))))
    fault = Preparer(settings, digest_hints([])).prepare(read).fault
    assert isinstance(fault, IndexMismatchError)
    assert "another-model" in str(fault)


def test_groups_are_bounded_and_end_with_the_fault(tmp_path: Path) -> None:
    articles = [(f"Article {n}", "word " * 10_000) for n in range(20)]
    wiki = write(tmp_path / "wiki.jsonl", *articles)
    with wiki.open("a", encoding="utf-8") as file:
        file.write('\n{"title": 7}' * 10)  # so many in a row end the run
    groups = list(read_batches(open_source(wiki)))
    assert [item.text for group in groups for item in group.items] == [text for _, text in articles]
    assert max(len(group.items) for group in groups) == 3
    assert [group.fault is None for group in groups] == [True] * (len(groups) - 1) + [False]
    with pytest.raises(CorpusError) as caught:
        list(open_source(wiki))
    assert str(pickle.loads(pickle.dumps(groups[-1])).fault) == str(caught.value)


def test_a_parquet_source_in_parts(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    for number, rows in enumerate((25, 10)):
        table = pa.table(
            {
                "title": [f"{number}-{row}" for row in range(rows)],
                "text": [None if (number, row) == (1, 8) else "Text." for row in range(rows)],
            }
        )
        file = tmp_path / f"train-0000{number}-of-00003.parquet"
        pyarrow.parquet.write_table(table, file, row_group_size=10)
    source = ParquetSource(tmp_path)
    parts = pickle.loads(pickle.dumps(list(source.shards())))
    assert [(part.group, part.first) for part in parts] == [(0, 1), (1, 11), (2, 21), (0, 1)]
    assert source.skipped == {"file of the set that is not there": 1}
    titles = [article.title for part in parts[:3] for article in part]
    assert titles == [f"0-{row}" for row in range(25)]
    with pytest.raises(CorpusError, match="row 9: expected a string"):
        list(parts[3])


def test_a_dump_read_by_one_and_made_articles_by_others(tmp_path: Path) -> None:
    path = dump(
        tmp_path,
        page("Aka", "'''Aka''' is a [[well]].\n== Use ==\nWater."),
        page("Well", "", redirect="Aka"),
        page("Fails:X", "A picture.", ns=6),
        page("Upe", "A {{river}} of [[Aka|wells]]."),
    )
    with WikiIndex.create(tmp_path / "a") as ours, WikiIndex.create(tmp_path / "b") as theirs:
        report = ours.add_source(open_source(path), workers=Here())
        assert report.skipped == theirs.add_source(open_source(path)).skipped
        assert snapshot(ours) == snapshot(theirs)


def test_what_came_before_a_fault_is_kept(tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", *((f"Article {n}", f"Number {n}.") for n in range(300)))
    lines = wiki.read_text(encoding="utf-8").splitlines()
    wiki.write_text("\n".join([*lines[:200], *["{"] * 10, *lines[200:]]), encoding="utf-8")
    with WikiIndex.create(tmp_path / "index") as index:
        with pytest.raises(CorpusError, match=r"wiki\.jsonl:210: expected one JSON object"):
            index.add_source(open_source(wiki), workers=Here())
        assert index.store.count() == 200


def test_ray_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_extras, "find_spec", lambda name: None if name == "ray" else object())
    with pytest.raises(MissingExtraError, match=r"--ray needs ray.*langchain-wikirank\[ray\]"):
        RayWorkers()


words = st.text("ab .\n", max_size=40).map(lambda text: f"{text}\n== H ==\n{text}\n== H ==\nAb.")


@given(words, st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_passages_under_another_key_are_those_cut_for_it(text: str, one: str, other: str) -> None:
    article = Article("Title", text)
    splitter = SentenceSplitter(max_chars=10)
    cut = [article_passages(article, source="s", key=k, splitter=splitter) for k in (one, other)]
    assert with_key(cut[0], other) == cut[1]
