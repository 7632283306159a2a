"""Folders of pages in several markup languages, with files that cannot or must not be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from wikirank.corpus import FolderSource, ParquetSource, open_source
from wikirank.errors import CorpusError
from wikirank.index import WikiIndex
from wikirank.passages.sections import split_sections


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def texts(source: FolderSource) -> dict[str, str]:
    return {article.title: article.text for article in source}


def test_a_wiki_of_github_in_several_markups(tmp_path: Path) -> None:
    source = FolderSource(
        fill(
            tmp_path / "p.wiki",
            {
                "Home.md": "Welcome.",
                "How-to-install.mediawiki": "= How to install =\nUse [[Pip]].\n= On =\n== X ==\ny",
                "Old.wiki": "'''Old''' {{nosuch}}",
                "Api.rst": "Api\n===",
                "Notes.org": "* Notes",
                "Guide.asciidoc": "= Guide",
                "More.adoc": "= More",
                "_Sidebar.mediawiki": "x",
                "a.png": b"\x89PNG",
            },
        )
    )
    assert texts(source) == {
        "Home": "Welcome.",
        "How to install": "Use Pip.\n\n== On ==\n\n=== X ===\ny",
        "Old": "Old",
    }
    assert source.skipped == {
        "in reStructuredText, which is not read": 1,
        "in Org, which is not read": 1,
        "in AsciiDoc, which is not read": 2,
        "in the frame of a wiki": 1,
        "in a format that is not read": 1,
    }
    assert "Api.rst (in reStructuredText, which is not read)" in source.passed_over
    assert len(source.passed_over) == 6


def test_links_pipes_and_loops_are_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, {"secret.txt": "private", "other/x.md": "private too", "v/a.md": "normal"})
    vault = tmp_path / "v"
    (vault / "x.md").symlink_to(tmp_path / "secret.txt")
    (vault / "inside.md").symlink_to(vault / "a.md")
    (vault / "folder").symlink_to(tmp_path / "other")
    (vault / "loop").symlink_to(vault)
    (vault / "self.md").symlink_to(vault / "self.md")
    os.mkfifo(vault / "pipe.md")
    source = FolderSource(vault)
    assert texts(source) == {"a": "normal"}
    assert source.count() == 1
    assert source.skipped == {
        "behind symbolic links, which are not followed": 5,
        "neither file nor folder": 1,
    }
    # The folder itself may be given as a symbolic link.
    (tmp_path / "link").symlink_to(vault)
    assert texts(FolderSource(tmp_path / "link")) == {"a": "normal"}


def test_notes_in_other_encodings(tmp_path: Path) -> None:
    source = FolderSource(
        fill(
            tmp_path,
            {
                "a.md": "About rivers.",
                "b.md": "café “note” – x".encode("cp1252"),
                "c.txt": "naïve".encode("utf-16"),
                "d.md": b"\xef\xbb\xbf# T\n\ntext",
                "e.md": b"\x00\x01\x02",
                "f.md": b"\x81\x8d undefined in cp1252",
                "g.html": "<meta charset=koi8-r><p>лёд".encode("koi8-r"),
            },
        )
    )
    assert texts(source) == {
        "a": "About rivers.",
        "b": "café “note” – x",
        "c": "naïve",
        "T": "text",
        "g": "лёд",
    }
    assert source.skipped == {"not text": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
def test_names_that_are_not_utf_8_are_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "b").mkdir(parents=True)
    (folder / "a.md").write_text("Ants carry leaves.", "utf-8")
    inner = os.fsencode(folder) + b"/caf\xe9"
    os.mkdir(inner)  # noqa: PTH102 - of bytes
    for name in (os.fsencode(folder) + b"/b/\xff.md", inner + b"/c.md"):
        with os.fdopen(os.open(name, os.O_CREAT | os.O_WRONLY), "w") as file:
            file.write("Bees fly.")
    with WikiIndex.create() as index:
        report = index.add_source(open_source(folder))
        assert index.info().articles == 1
    assert report.skipped == {"with a name that is not UTF-8": 2}
    summary = report.summary().encode().decode()
    assert "caf\ufffd (with" in summary
    assert "b/\ufffd.md (with" in summary


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all files")
def test_files_that_may_not_be_read(tmp_path: Path) -> None:
    fill(tmp_path, {"a.md": "A", "b.md": "B"})
    (tmp_path / "b.md").chmod(0)
    source = FolderSource(tmp_path)
    assert texts(source) == {"a": "A"}
    assert source.skipped == {"not readable": 1}
    (tmp_path / "a.md").chmod(0)
    with pytest.raises(CorpusError, match="cannot be read"):
        list(source)


def test_a_site_of_html(tmp_path: Path) -> None:
    page = (
        "<html><head><title>Ice &amp; frost</title></head><body><nav>menu</nav>"
        "<h1>Ice &amp; frost</h1><p>Cold.</p><h2>Use</h2><p>Toys.</p></body></html>"
    )
    source = FolderSource(fill(tmp_path, {"i/index.html": page, "plain.htm": "<p>Just text."}))
    assert texts(source) == {"Ice & frost": "Cold.\n\n== Use ==\nToys.", "plain": "Just text."}


DOKUWIKI = """====== Server ======

About **Debian** and //more//. See [[admin:users|User admin]],
[[wiki:some_page]] and https://example.org/a//b.((A note.)) {{pic.png?200|A picture}}

===== Install =====

  * one
    * ''two''
  - first
  - second

^ Name ^ Size ^
| a | [[x|5 m]] |

<code bash>
== not a heading ==
echo **x**
</code>
~~NOTOC~~
==== Windows ====

Use %%**this**%%. \\\\ Then go.

===== Remove =====

Purge it.
"""


def test_pages_of_dokuwiki(tmp_path: Path) -> None:
    source = FolderSource(
        fill(tmp_path, {"s.txt": DOKUWIKI, "plain.txt": "== A ==\nx\n=== B ===\n**y**"})
    )
    plain, page = source
    assert plain.text == "== A ==\nx\n=== B ===\n**y**"
    assert [(" > ".join(section.path), section.text) for section in split_sections(page.text)] == [
        (
            "Server",
            "About Debian and more. See User admin, some page and https://example.org/a//b. "
            "A picture",
        ),
        (
            "Server > Install",
            "- one\n  - two\n1. first\n2. second\nName | Size\na | 5 m\n"
            " == not a heading ==\necho **x**",
        ),
        ("Server > Install > Windows", "Use **this**.\nThen go."),
        ("Server > Remove", "Purge it."),
    ]


def test_a_graph_of_logseq(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "logseq/config.edn": "{}",
            "pages/ice___old frost.md": "alias:: Rime\n\n- Cold.",
            "pages/a%2Fb.md": "- x",
        },
    )
    articles = {article.title: article for article in FolderSource(tmp_path)}
    assert set(articles) == {"ice/old frost", "a/b"}
    assert articles["ice/old frost"].metadata["aliases"] == ["Rime"]


def test_a_clone_of_a_data_set(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    for name, title in (("data/train-00000-of-00002", "A"), ("fr/lang=fr/year=2026/p", "B")):
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(parents=True)
        parquet.write_table(arrow.table({"title": [title], "text": ["x"]}), path)
    fill(tmp_path, {"README.md": "# Card", "LICENSE.txt": "x", ".git/x.md": "y"})
    source = open_source(tmp_path)
    assert isinstance(source, ParquetSource)
    assert [(article.title, article.metadata) for article in source] == [
        ("A", {}),
        ("B", {"lang": "fr", "year": "2026"}),
    ]
    assert [article.metadata for shard in source.shards() for article in shard] == [
        {},
        {"lang": "fr", "year": "2026"},
    ]
    assert source.skipped == {"file of the set that is not there": 1}
    assert source.count() == 2
    # With pages beside it, it is a folder of pages.
    fill(tmp_path, {"notes.md": "x"})
    assert isinstance(open_source(tmp_path), FolderSource)


def test_a_clone_without_its_large_files(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    fill(tmp_path, {"data/a.parquet": pointer, "README.md": "x"})
    with pytest.raises(CorpusError, match="git lfs pull"):
        list(open_source(tmp_path))


def test_shards_that_are_not_parquet_are_named(tmp_path: Path) -> None:
    fill(tmp_path, {"README.md": "# Card", "data/a.jsonl.gz": b"x", "data/b.jsonl": "x"})
    with pytest.raises(CorpusError, match=r"got data/a\.jsonl\.gz, data/b\.jsonl beside"):
        open_source(tmp_path)
