"""MediaWiki XML exports as a source."""

from __future__ import annotations

import bz2
import gzip
import json
import pickle
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from dump_files import MANY, dump, export, page, streams
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wikirank.cli import app
from wikirank.corpus import DumpSource, SourceOptions, open_source
from wikirank.corpus.sources import path_source
from wikirank.corpus.sources.dump import multistream
from wikirank.corpus.sources.dump.multistream import decompress_bz2
from wikirank.errors import CorpusError, InvalidArgumentError, MissingExtraError
from wikirank.index import WikiIndex


class TestPages:
    def test_articles_aliases_and_what_is_skipped(self, tmp_path: Path) -> None:
        source = open_source(
            dump(
                tmp_path,
                page("Ices", "#REDIRECT [[frost]]", redirect="frost"),
                page("Frost", "'''Frost''' is [[ice]].[[Kategoreja:Ice]][[Fails:a.png]]"),
                page("Talk:Frost", "x", ns=1),
                page("Rime", "#REDIRECT [[Frost]]", redirect="Frost#Kinds"),
                page("Hoar", "#REDIRECT [[Rime]]", redirect="Rime"),
                page("Frost.js", "x = 1", model="javascript"),
                page("Hidden", "", attributes=' deleted="deleted"'),
                page("C & D", "{{disambig}} * a", id_=8, revision=13),
                page("List of x/y", "* a"),
            )
        )
        frost, both, list_ = source
        assert (frost.title, frost.text, frost.revision) == ("Frost", "Frost is ice.", "12")
        assert frost.url == "https://ltg.example.org/wiki/Frost"
        assert frost.metadata == {
            "kind": "article",
            "categories": ["Ice"],
            "aliases": ["Ices", "Rime", "Hoar"],
            "namespace": 0,
            "page_id": 7,
        }
        assert (both.url, both.revision) == ("https://ltg.example.org/wiki/C_%26_D", "13")
        assert (both.metadata["kind"], list_.metadata["kind"]) == ("disambiguation", "list")
        assert list_.url.endswith("/wiki/List_of_x/y")
        assert source.count() == 3
        assert source.skipped == {
            "redirect": 3,
            "in another namespace": 1,
            "not wikitext": 1,
            "text deleted": 1,
        }
        assert list(source) == [frost, both, list_]
        assert (source.name, source.location) == ("wiki.xml", str(tmp_path.resolve() / "wiki.xml"))
        json.dumps([dict(article.metadata) for article in source])

    def test_namespaces_are_chosen(self, tmp_path: Path) -> None:
        path = dump(tmp_path, page("A", "a"), page("Help:B", "b", ns=12), page("Talk:C", "c", ns=1))
        titles = [
            article.title
            for article in open_source(path, options=SourceOptions(namespaces=(0, 12)))
        ]
        assert titles == ["A", "Help:B"]
        with pytest.raises(InvalidArgumentError, match="at least one namespace"):
            DumpSource(path, namespaces=())

    def test_an_old_export_without_ns_or_redirect_elements(self, tmp_path: Path) -> None:
        path = dump(
            tmp_path,
            page("A", "a", ns=None),
            page("Kategoreja:B", "b", ns=None),
            page("C: D", "c", ns=None),
            page("E", "#redirect [[A]]", ns=None),
        )
        articles = list(DumpSource(path))
        assert [article.title for article in articles] == ["A", "C: D"]
        assert articles[0].metadata["aliases"] == ["E"]

    def test_a_full_history_gives_the_last_revision(self, tmp_path: Path) -> None:
        whole = page("A", "new", revision=2)
        old = "<revision><id>1</id><text>old</text></revision>"
        (article,) = DumpSource(dump(tmp_path, whole.replace("<revision>", f"{old}<revision>", 1)))
        assert (article.text, article.revision) == ("new", "2")

    @pytest.mark.parametrize(
        ("base", "url"),
        [
            ("https://w.example.org/index.php?title=Main_Page", "/index.php?title=A_B"),
            ("http://w.example.org/index.php/Main_Page", "/index.php/A_B"),
            ("javascript:alert(1)//w.example.org/x", ""),
        ],
    )
    def test_addresses(self, tmp_path: Path, base: str, url: str) -> None:
        site = f"<siteinfo><base>{base}</base></siteinfo>"
        (article,) = DumpSource(dump(tmp_path, page("A B", "x"), site=site))
        assert article.url == (base.partition(".org")[0] + ".org" + url if url else "")

    def test_a_source_may_go_to_another_process(self, tmp_path: Path) -> None:
        source = DumpSource(dump(tmp_path, page("A", "a"), page("B", "x", redirect="A")))
        assert list(pickle.loads(pickle.dumps(source))) == list(source)
        assert list(pickle.loads(pickle.dumps(source))) == list(source)

    def test_a_changed_file_is_read_again(self, tmp_path: Path) -> None:
        source = DumpSource(dump(tmp_path, page("A", "a")))
        assert source.count() == 1
        dump(tmp_path, page("A", "a"), page("B", "b"), page("C", "x", redirect="B"))
        assert source.count() == 2
        assert list(source)[1].metadata["aliases"] == ["C"]


def zstd(data: bytes) -> bytes:
    compressor = pytest.importorskip("zstandard", reason="needs the [dumps] extra")
    compressed: bytes = compressor.ZstdCompressor().compress(data)
    return compressed


COMPRESSIONS: dict[str, Callable[[str], bytes]] = {
    "a.xml": str.encode,
    "A.XML.BZ2": lambda text: bz2.compress(text.encode()),
    "b.xml.bz2": lambda text: streams(text, 40),
    "padded.xml.bz2": lambda text: streams(text, 3) + b"\0" * 100,
    "with-empty-streams.xml.bz2": lambda text: (
        bz2.compress(b"") + streams(text, 2) + bz2.compress(b"")
    ),
    "a.xml.gz": lambda text: gzip.compress(text.encode()),
    "two.xml.gz": lambda text: (
        gzip.compress(text[:999].encode()) + gzip.compress(text[999:].encode())
    ),
    "a.xml.zst": lambda text: zstd(text.encode()),
    "two.xml.zst": lambda text: zstd(text[:999].encode()) + zstd(text[999:].encode()),
}  # fmt: skip


class TestCompression:
    @pytest.mark.parametrize("name", COMPRESSIONS)
    def test_kinds(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(COMPRESSIONS[name](export(*MANY)))
        source = open_source(tmp_path / name)
        assert [article.title for article in source] == [f"P{number}" for number in range(300)]
        assert source.count() == 300

    def test_long_streams_and_ten_bytes_that_only_look_like_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import random

        monkeypatch.setattr(multistream, "_READ_BYTES", 1000)
        monkeypatch.setattr(multistream, "_MAX_PIECE", 3000)
        monkeypatch.setattr(multistream, "_MAX_AHEAD", 2000)
        monkeypatch.setattr(multistream, "_MAX_OUTPUT", 700)
        noise = random.Random(3).randbytes(30_000)
        whole = bz2.compress(noise) + bz2.compress(b"x" * 99_999) + bz2.compress(noise)
        path = tmp_path / "a.bz2"
        path.write_bytes(whole)
        assert b"".join(decompress_bz2(path)) == noise + b"x" * 99_999 + noise
        # Cut everywhere, as if a stream began there.
        monkeypatch.setattr(multistream, "_STREAM_START", re.compile(rb"(?s)(?<=.{50})."))
        assert b"".join(decompress_bz2(path)) == noise + b"x" * 99_999 + noise

    @pytest.mark.parametrize("index", [0.3, 0.9])
    def test_a_stream_whose_beginning_is_damaged_is_not_passed_over(
        self, tmp_path: Path, index: float
    ) -> None:
        data = streams(export(*MANY), 40)
        start = data.index(b"BZh9", int(len(data) * index))
        path = tmp_path / "a.xml.bz2"
        path.write_bytes(data[:start] + b"\xff" * 10 + data[start + 10 :])
        titles: list[str] = []
        with pytest.raises(CorpusError, match=r"a\.xml\.bz2 \(line \d+, after the page 'P"):
            titles.extend(article.title for article in DumpSource(path))

    def test_without_zstandard(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a.xml.zst").write_bytes(b"")
        monkeypatch.setattr("wikirank._extras.find_spec", lambda _: None)
        with pytest.raises(MissingExtraError, match=r'pip install "langchain-wikirank\[dumps\]"'):
            open_source(tmp_path / "a.xml.zst")


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "word"),
        [
            ("utf-8", "лёд"), ("utf-8-sig", "лёд"), ("utf-16", "лёд"), ("utf-16-be", "лёд"),
            ("utf-32", "лёд"), ("windows-1251", "лёд"), ("koi8-r", "лёд"),
            ("iso-8859-1", "Frühling"), ("iso-8859-2", "Łódź"), ("shift_jis", "霜"),
            ("euc-jp", "霜"), ("gb18030", "霜"), ("big5", "霜"), ("euc-kr", "서리"),
            ("us-ascii", "frost"),
        ],
    )  # fmt: skip
    def test_declared_encodings(self, tmp_path: Path, encoding: str, word: str) -> None:
        declared = encoding.removesuffix("-sig").removesuffix("-be")
        text = f'<?xml version="1.0" encoding="{declared}"?>' + export(page(word, f"{word} 1"))
        bom = b"\xfe\xff" if encoding == "utf-16-be" else b""
        path = tmp_path / "a.xml"
        path.write_bytes(bom + text.encode(encoding))
        (article,) = DumpSource(path)
        assert (article.title, article.text) == (word, f"{word} 1")

    @pytest.mark.parametrize(
        ("declared", "data"),
        [
            ("utf-8", b"\xff"), ("shift_jis", b"\x81"), ("zlib", b"x"), ("no-such", b"x"),
            ("punycode", b"x"), ("utf-32", b"x"),
        ],
    )  # fmt: skip
    def test_a_wrong_encoding_is_an_error(self, tmp_path: Path, declared: str, data: bytes) -> None:
        path = tmp_path / "a.xml"
        head = f'<?xml version="1.0" encoding="{declared}"?>'.encode()
        path.write_bytes(head + export(page("A", "SEAM")).encode().replace(b"SEAM", data))
        with pytest.raises(CorpusError, match=r"a\.xml"):
            list(DumpSource(path))


class TestDamage:
    @pytest.mark.parametrize("name", ["a.xml", "A.XML.BZ2", "b.xml.bz2", "a.xml.gz", "a.xml.zst"])
    def test_a_truncated_dump_gives_what_comes_before(self, tmp_path: Path, name: str) -> None:
        whole = COMPRESSIONS[name](export(*MANY))
        path = tmp_path / name
        path.write_bytes(whole[: len(whole) * 9 // 10])
        titles: list[str] = []
        # One bzip2 block is whole or nothing.
        place = "line 1" if name == "A.XML.BZ2" else r"line \d+, after the page 'P\d+'"
        message = rf"{name} \({place}\): .*Download it again"
        with pytest.raises(CorpusError, match=message):  # noqa: PT012
            for article in DumpSource(path):
                titles.append(article.title)  # noqa: PERF401
        if name != "A.XML.BZ2":
            assert titles == [f"P{number}" for number in range(len(titles))]
            assert len(titles) > 200

    def test_a_dump_cut_between_two_streams(self, tmp_path: Path) -> None:
        whole = streams(export(*MANY), 10)
        path = tmp_path / "a.xml.bz2"
        path.write_bytes(whole[: whole.rindex(b"BZh9")])
        with pytest.raises(CorpusError, match="ends before its root element does"):
            list(DumpSource(path))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("<html><body/></html>", r"a MediaWiki XML export, got the root element <html>"),
            ("", r"ends before its root element"),
            ("plain", r"a\.xml \(line 1\): "),
            (export(page("A", "a")).replace("</title>", "</tilte>"), r"mismatched tag"),
            ("<mediawiki>" + "<a>" * 40, r"over 32 nested elements"),
            (
                '<!DOCTYPE m [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]>' + export(page("A", "a")),
                r"got a document type declaration",
            ),
            (
                '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + export(page("A", "a")),
                r"got a document type declaration",
            ),
            ('<!DOCTYPE m SYSTEM "http://127.0.0.1:9/x.dtd">' + export(), r"document type"),
            (export(page("A", "SEAM")).replace("SEAM", "&evil;"), r"undefined entity"),
        ],
    )  # fmt: skip
    def test_files_that_are_not_an_export(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "a.xml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CorpusError, match=message):
            list(DumpSource(path))

    @pytest.mark.parametrize("name", ["a.xml.bz2", "a.xml.gz", "a.xml.zst"])
    def test_not_compressed_at_all(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text(export(page("A", "a")), encoding="utf-8")
        with pytest.raises(CorpusError, match=name):
            list(DumpSource(tmp_path / name))


SMALL = export(page("A", "a [[b]]"), page("B", "x", redirect="A"), page("C", "c " * 99))


class TestAnyDamage:
    @settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        kind=st.sampled_from(["a.xml", "A.XML.BZ2", "b.xml.bz2", "a.xml.gz", "a.xml.zst"]),
        place=st.floats(0, 1, exclude_max=True),
        value=st.binary(min_size=1, max_size=6),
        removed=st.integers(0, 9),
    )
    def test_is_a_clear_error_or_none(
        self, tmp_path: Path, kind: str, place: float, value: bytes, removed: int
    ) -> None:
        whole = COMPRESSIONS[kind](SMALL)
        index = int(place * len(whole))
        path = tmp_path / kind
        path.write_bytes(whole[:index] + value + whole[index + removed :])
        try:
            assert len(list(DumpSource(path))) <= 3
        except CorpusError as err:
            assert kind in str(err)  # noqa: PT017


class TestBombs:
    def test_a_page_that_is_too_long_is_skipped_and_reported(self, tmp_path: Path) -> None:
        big = page("Big", "SEAM").replace("SEAM", "x" * (2**23 + 1))
        path = tmp_path / "a.xml.bz2"
        path.write_bytes(bz2.compress(export(page("A", "a"), big, page("B", "b")).encode()))
        source = DumpSource(path)
        assert [article.title for article in source] == ["A", "B"]
        assert source.skipped == {"over 8 Mi characters": 1}

    @pytest.mark.parametrize("name", ["a.xml.bz2", "a.xml.gz", "a.xml.zst"])
    def test_memory_stays_flat(self, tmp_path: Path, name: str) -> None:
        bomb = export(page("A", "SEAM"), page("B", "b")).replace("SEAM", "x" * 2**27)
        compress: dict[str, Callable[[bytes], bytes]] = {
            "a.xml.bz2": bz2.compress, "a.xml.gz": gzip.compress, "a.xml.zst": zstd,
        }  # fmt: skip
        path = tmp_path / name
        path.write_bytes(compress[name](bomb.encode()))
        del bomb
        tracemalloc.start()
        try:
            assert [article.title for article in DumpSource(path)] == ["B"]
            assert tracemalloc.get_traced_memory()[1] < 64 * 2**20  # of 128 MiB
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("name", ["a.xml.bz2", "a.xml.gz", "a.xml.zst"])
    def test_pages_without_end_from_a_small_file_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(path_source, "_HARMLESS_BYTES", 2**19)
        compress = {"a.xml.bz2": bz2.compress, "a.xml.gz": gzip.compress, "a.xml.zst": zstd}[name]
        whole = export(page("A", "a"), "SEAM").replace("SEAM", "<page></page>\n" * 2**19)
        path = tmp_path / name
        path.write_bytes(compress(whole.encode()))
        if 500 * path.stat().st_size > len(whole):
            pytest.skip("this compressor does not compress as much")
        with pytest.raises(CorpusError, match="over 500 times its size"):
            list(DumpSource(path))

    @pytest.mark.parametrize(
        ("limit", "bomb"),
        [
            ("_MAX_TAG", "<mediawiki><a b='SEAM"),
            ("_MAX_TAG", "<mediawiki><!-- SEAM"),
            ("_MAX_ELEMENT", "<mediawiki><page><revision><text>SEAM"),
        ],
    )
    def test_an_endless_tag_or_element(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, bomb: str
    ) -> None:
        monkeypatch.setattr(f"wikirank.corpus.sources.dump.parser.{limit}", 2**22)
        path = tmp_path / "a.xml.gz"
        path.write_bytes(gzip.compress(bomb.replace("SEAM", "x" * 2**23).encode()))
        with pytest.raises(CorpusError, match="of over 4 MiB"):
            list(DumpSource(path))


class TestIndexing:
    def test_skipped_pages_are_reported_and_damage_keeps_what_came_before(
        self, tmp_path: Path
    ) -> None:
        path = dump(tmp_path, *MANY, page("Other", "x", redirect="P1"), page("T:x", "x", ns=1))
        whole = path.read_bytes()
        with WikiIndex.create(tmp_path / "index") as index:
            path.write_bytes(whole[: len(whole) * 9 // 10])
            with pytest.raises(CorpusError, match="after the page 'P"):
                index.add_source(DumpSource(path))
            kept = index.store.count()
            assert kept > 0
            path.write_bytes(whole)
            report = index.add_source(DumpSource(path))
            assert report.unchanged > 100
            assert report.articles == 300
            assert report.skipped == {"redirect": 1, "in another namespace": 1}
            assert report.summary().endswith("2 pages skipped (1 in another namespace, 1 redirect)")
            assert report.as_dict()["skipped"] == report.skipped

    def test_on_the_command_line(self, tmp_path: Path) -> None:
        path = dump(tmp_path, page("A", "Some text of it."), page("Help:B", "More text.", ns=12))
        arguments = [
            "index",
            str(path),
            "--into",
            str(tmp_path / "i"),
            "--namespace",
            "12",
            "--json",
        ]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        (report,) = json.loads(result.stdout)
        assert (report["added"], report["skipped"]) == (1, {"in another namespace": 1})
