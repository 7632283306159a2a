from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from locations import SHARED

from wikirank.corpus import ZimSource, open_source
from wikirank.corpus.sources.zim import without_footer
from wikirank.errors import CorpusError, MissingExtraError
from wikirank.index import WikiIndex
from wikirank.passages.sections import split_sections
from wikirank.types import Article

writer = pytest.importorskip("libzim.writer", reason="needs the [zim] extra")

DUMPS = SHARED / "dumps"
KITE = "<html><body><h1>Kite</h1><p>A kite flies.</p><h2>Use</h2><p>Toys.</p></body></html>"


class Page(writer.Item):  # type: ignore[misc]
    def __init__(self, path: str, title: str, content: str | bytes, mimetype: str) -> None:
        super().__init__()
        self.path, self.title, self.content, self.mimetype = path, title, content, mimetype

    def get_path(self) -> str:
        return self.path

    def get_title(self) -> str:
        return self.title

    def get_mimetype(self) -> str:
        return self.mimetype

    def get_contentprovider(self) -> object:
        return writer.StringProvider(self.content)

    def get_hints(self) -> dict[object, int]:
        return {writer.Hint.FRONT_ARTICLE: self.mimetype.startswith("text/html")}


def write_zim(
    path: Path,
    pages: list[Page],
    *,
    redirects: Mapping[str, tuple[str, str]] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a ZIM file; `redirects` maps a path to (title, path of the target)."""
    with writer.Creator(path).config_indexing(False, "eng") as creator:
        creator.set_mainpath(pages[0].path)
        for page in pages:
            creator.add_item(page)
        for source, (title, target) in (redirects or {}).items():
            creator.add_redirection(source, title, target, {writer.Hint.FRONT_ARTICLE: 1})
        for key, value in (metadata or {}).items():
            creator.add_metadata(key, value)
    return path


@pytest.fixture
def kites(tmp_path: Path) -> Path:
    return write_zim(
        tmp_path / "kites.zim",
        [
            Page("Kite", "Kite", KITE, "text/html"),
            Page("Box_kite", "Box kite", "<p>A box kite has cells.</p>", "text/html"),
            Page("Empty", "Empty", "<p></p>", "text/html"),
            Page("Deep", "Deep", "<div>" * 2000 + "x", "text/html"),
            Page("café?", "Café", "<p>Ünï</p>", "text/html"),
            Page("-/style.css", "", "p {}", "text/css"),
            Page("kite.png", "", b"\x89PNG", "image/png"),
        ],
        redirects={
            "Kites": ("Kites", "Kite"),
            "Toy_kite": ("Toy kite", "Kites"),  # by way of another redirect
            "Same": ("Kite", "Kite"),
            "Style": ("Style", "-/style.css"),
        },
        metadata={"Source": "kites.example.org", "Scraper": "mwoffliner 1.14"},
    )


def test_articles_aliases_and_what_was_skipped(kites: Path) -> None:
    source = open_source(kites)
    assert isinstance(source, ZimSource)
    for _ in range(2):
        articles = {article.title: article for article in source}
        assert sorted(articles) == ["Box kite", "Café", "Empty", "Kite"]
        assert articles["Kite"] == Article(
            "Kite",
            "A kite flies.\n\n== Use ==\nToys.",
            "https://kites.example.org/wiki/Kite",
            metadata={"path": "Kite", "aliases": ["Kites", "Toy kite"]},
        )
        assert articles["Box kite"].metadata == {"path": "Box_kite"}
        assert articles["Café"].url == "https://kites.example.org/wiki/caf%C3%A9%3F"
        assert articles["Empty"].text == ""
        assert source.skipped == {"not HTML": 2, "HTML nested too deeply": 1}
    assert (source.name, source.location, source.count()) == ("kites.zim", str(kites), 5)


def test_it_can_be_indexed_and_found(kites: Path, tmp_path: Path) -> None:
    with WikiIndex.create(tmp_path / "index") as index:
        report = index.add_source(open_source(kites))
        assert (report.added, report.without_text) == (3, 1)
        again = index.add_source(open_source(kites))
        assert (again.unchanged, again.changed, again.passages_written) == (3, 0, 0)


@pytest.mark.parametrize(
    ("metadata", "url"),
    [
        ({}, ""),
        ({"Source": "https://de.wikipedia.org/"}, ""),
        (
            {"Source": "https://w.example/wiki", "Scraper": "mwoffliner 1"},
            "https://w.example/wiki/Kite",
        ),
        ({"Source": "nowhere", "Scraper": "mwoffliner 1"}, ""),
        ({"Scraper": "zimit 2.0, warc2zim 2.0"}, "https://Kite"),
    ],
)
def test_the_address_comes_from_the_metadata(
    tmp_path: Path, metadata: dict[str, str], url: str
) -> None:
    path = write_zim(
        tmp_path / "a.zim", [Page("Kite", "Kite", KITE, "text/html")], metadata=metadata
    )
    assert [article.url for article in ZimSource(path)] == [url]


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (
            "http://en.wikipedia.org/wiki/Bein'_Green?oldid=7",
            "http://en.wikipedia.org/wiki/Bein'_Green",
        ),
        ("https://x.org/wiki/?title=Box kite&amp;oldid=7", "https://x.org/wiki/Box_kite"),
        ("//x.org/w/index.php?title=Box_kite&oldid=7", "https://x.org/w/index.php?title=Box_kite"),
    ],
)
def test_the_footer_gives_address_and_revision_and_is_removed(link: str, address: str) -> None:
    page = "<p>A <a href='?oldid=1'>kite</a>.</p>"
    footer = f'<div>Dieser Artikel stammt von <a class="x" href="{link}">W</a> - und so fort.</div>'
    assert without_footer(f"{page}<div>{footer}</div>") == (f"{page}<div>", address, "7")
    assert without_footer(page) == (page, "", "")


@pytest.mark.parametrize(
    ("content", "mimetype"),
    [
        ("Caf\xe9", "text/html; charset=ISO-8859-1"),
        ('<meta charset="latin-1"><p>Caf\xe9', "text/html"),
        ("Caf\xe9", "text/html"),
        ("Caf\xe9", "text/html;charset=no-such"),
    ],
)
def test_pages_that_are_not_utf8(tmp_path: Path, content: str, mimetype: str) -> None:
    path = write_zim(tmp_path / "a.zim", [Page("A", "A", content.encode("latin-1"), mimetype)])
    (article,) = ZimSource(path)
    assert article.text in ("Café", "Caf\ufffd")
    assert (article.text == "Café") == ("no-such" not in mimetype)


@pytest.mark.parametrize("damage", ["empty", "not zim", "truncated", "flipped", "one byte short"])
def test_damaged_files(kites: Path, damage: str) -> None:
    whole = kites.read_bytes()
    middle = len(whole) // 2
    kites.write_bytes(
        {
            "empty": b"",
            "not zim": b"plain text " * 100,
            "truncated": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
            "one byte short": whole[:-1],
        }[damage]
    )
    with pytest.raises(CorpusError, match=r"kites\.zim cannot be read"):
        list(open_source(kites))


def test_damage_under_a_checksum_that_fits(kites: Path) -> None:
    """Damage that libzim reports while reading is a `CorpusError`, never a crash."""
    from hashlib import md5

    whole = bytearray(kites.read_bytes()[:-16])
    for index in range(100, len(whole), max(1, len(whole) // 60)):
        broken = bytearray(whole)
        broken[index : index + 4] = b"\xff\xff\xff\xff"
        kites.write_bytes(bytes(broken) + md5(broken, usedforsecurity=False).digest())
        try:
            assert len(list(ZimSource(kites))) <= 7
        except CorpusError as err:
            assert str(kites) in str(err)  # noqa: PT017


def test_a_file_in_parts(kites: Path) -> None:
    whole = kites.read_bytes()
    expected = list(ZimSource(kites))
    kites.unlink()
    middle = len(whole) // 2
    first = kites.with_name("kites.zimaa")
    first.write_bytes(whole[:middle])
    kites.with_name("kites.zimab").write_bytes(whole[middle:])
    assert list(open_source(first)) == expected
    with pytest.raises(CorpusError, match=r"got a later part"):
        open_source(kites.with_name("kites.zimab"))


def test_without_libzim(kites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libzim", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=r'pip install "langchain-wikirank\[zim\]"'):
        open_source(kites)


def test_the_small_file_of_the_openzim_project() -> None:
    path = DUMPS / "small.zim"
    if not path.exists():
        pytest.skip("shared/data/dumps is missing")
    source = ZimSource(path)
    assert [(a.title, a.text, a.url, a.metadata) for a in source] == [
        ("Test ZIM file", "Test ZIM file", "", {"path": "A/main.html"})
    ]
    assert (source.count(), source.skipped) == (1, {})


@pytest.fixture(scope="module")
def real() -> list[Article]:
    path = DUMPS / "wikipedia_en_ray_charles_2015-06.zim"
    if not path.exists():
        pytest.skip("shared/data/dumps is missing")
    source = ZimSource(path)
    articles = list(source)
    assert len(articles) == source.count() == 85
    assert source.skipped == {}
    return articles


INNERMOST_TABLE = re.compile(r"(?s)<table\b(?:(?!<table\b|</table>).)*</table>")
MARKUP = re.compile(
    r"</?[a-z]|&#?\w+;|\{\{|\}\}|\[\[|\]\]|\[\d+\]|\[edit\]|citation needed|class=|style=|"
    r"^\||^[*#]+ |\ufffd|\u200b|\xa0|This article is issued|v\s*·?\s*t\s*·?\s*e\b",
    re.MULTILINE,
)


def test_no_markup_is_left_in_a_real_file(real: list[Article]) -> None:
    left = {(a.title, found[0]) for a in real for found in MARKUP.finditer(a.text)}
    assert left == set()
    assert all("  " not in line.strip() for a in real for line in a.text.split("\n")
               if " |  | " not in line)  # fmt: skip


def test_no_running_sentence_of_a_real_file_is_lost(real: list[Article]) -> None:
    """Each paragraph of the HTML, found by a plain pattern, is in the text, in order."""
    import html

    from libzim.reader import Archive

    archive = Archive(DUMPS / "wikipedia_en_ray_charles_2015-06.zim")
    checked = 0
    for article in real:
        page = bytes(archive.get_entry_by_path(str(article.metadata["path"])).get_item().content)
        source = re.sub(r"(?s)<sup id=.cite_ref.*?</sup>", "", page.decode())
        while re.search("<table", source):  # from the innermost out
            source = INNERMOST_TABLE.sub("", source)
        squeezed = re.sub(r"\s+", "", article.text)
        index = 0
        for paragraph in re.findall(r"(?s)<p\b[^>]*>(.*?)</p>", source):
            plain = re.sub(r"<span[^>]*display: ?none.*?</span>|<[^>]+>", "", paragraph)
            wanted = re.sub(r"\s+|\u200b|\xad", "", html.unescape(plain))
            found = squeezed.find(wanted, index)
            assert found >= 0, (article.title, plain)
            index = found + len(wanted)
            checked += 1
    assert checked > 200


def test_a_real_article(real: list[Article]) -> None:
    ray = next(article for article in real if article.title == "Ray Charles")
    assert ray.url == "http://en.wikipedia.org/wiki/Ray_Charles"
    assert ray.revision == "664852951"
    assert "Charles, Ray" in ray.metadata["aliases"] or len(ray.metadata["aliases"]) > 3
    lead, *sections = split_sections(ray.text)
    assert lead.path == ()
    assert lead.text.startswith("Ray Charles Robinson (September 23, 1930 – June 10, 2004)")
    assert "Instruments: Vocals, piano, keyboards" in lead.text
    assert ("Life and career", "Early years (1930–45)") in [section.path for section in sections]
    assert all(len(a.path) <= len(b.path) + 6 for a, b in pairwise(sections))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(4000))
    pages = [Page(f"P{n}", f"P{n}", f"<p>{n} {words}</p>", "text/html") for n in range(1500)]
    redirects = {f"R{n}": (f"R{n}", f"P{n % 1500}") for n in range(5000)}
    path = write_zim(tmp_path / "many.zim", pages, redirects=redirects)
    code = (
        "import resource, sys\n"
        "from wikirank.corpus import ZimSource\n"
        "for number, article in enumerate(ZimSource(sys.argv[1]), 1):\n"
        "    if number == 200:\n"
        "        early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(number, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    articles, kilobytes = map(int, run.stdout.split())
    assert articles == 1500
    assert kilobytes < 20_000  # the file's text is 53 MB
