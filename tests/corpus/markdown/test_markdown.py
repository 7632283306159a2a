from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work_growth import grows_evenly

from wikirank.corpus import FolderSource
from wikirank.corpus.markdown import MarkdownReader
from wikirank.passages.sections import split_sections

NOTE = """---
title: Box kites
aliases: [Cellular kite, "Hargrave kite"]
tags:
  - toys/kites
  - "#history"
date: 2024-02-29
rating: 4.5
nested: {a: 1}
---
# Box kites

A **box kite** is a _high-performance_ kite of the [cellular kites](https://example.org "t"). See
[[Lawrence Hargrave]], [[notes/Flight#Wings|the wings]], [[Flight#Lift]], [[#Making]],
[[Tail#^ab12]] and `[[code]]`. &eacute;[^1] ==marked== a == b ~~struck~~ $5 to $10
$e^{i\\pi} * 1 * 2$ #kite ^id-123

[^1]: A note that stays.

![A red kite|300](kite.png) ![[photo.png]] ![[photo.png|A photo]] ![[Embedded note]]

%% private %%
%%
many

lines
%%
<!-- HTML
comment -->
Some <b>bold</b> and a<br>break, an inline %%hidden%% remark. <script>x()</script>

> [!warning]- Strings cut
> Wear **gloves**.

> [!note]
> Untitled.

Setext heading
--------------

- [ ] open
   - nested
     1. deep

| Part | Length |
|------|:------:|
| [[Sail\\|sail]] | *90* cm |

<details><summary>More</summary>

Hidden *details*.

</details>

### Making ###

```python
# not a heading
== nor this ==
    x = "<b>"
```

Final \\*words\\* snake_case_name and [a link][r].

[r]: https://example.org/r
"""


def test_a_note_of_obsidian() -> None:
    page = MarkdownReader().read(NOTE)
    assert (page.title, page.faults) == ("Box kites", ())
    assert page.metadata == {
        "aliases": ["Cellular kite", "Hargrave kite"],
        "tags": ["toys/kites", "history"],
        "date": "2024-02-29",
        "rating": 4.5,
    }
    assert page.text == (
        "A box kite is a high-performance kite of the cellular kites. See Lawrence Hargrave, "
        "the wings, Flight > Lift, Making, Tail and [[code]]. é marked a == b struck $5 to $10 "
        "e^{i\\pi} * 1 * 2 #kite\nA note that stays.\nA red kite A photo Embedded note\n"
        "Some bold and a\nbreak, an inline remark.\nStrings cut\nWear gloves.\nNote\nUntitled.\n\n"
        "== Setext heading ==\n- [ ] open\n  - nested\n    1. deep\nPart | Length\nsail | 90 cm\n"
        "More\nHidden details.\n\n"
        '=== Making ===\n# not a heading\n == nor this ==\n    x = "<b>"\n'
        "Final *words* snake_case_name and a link."
    )


@pytest.mark.parametrize(
    ("markdown", "title", "text", "faults"),
    [
        ("---\na: [b\n---\nText", "", "a: [b\nText", 1),
        ("---\na: &x [1]\nb: *x\n---\nText", "", "a: &x [1]\nb: *x\nText", 1),
        ("---\n# A comment\na: [b\n---\n# B\nText", "B", "# A comment\na: [b\nText", 1),
        ("---\nd: 2024-99-99\n---\nText", "", "d: 2024-99-99\nText", 1),
        ("---\na: !!python/object/apply:os.getcwd []\n---\nText", "", None, 1),
        ("---\n" + "[" * 50_000 + "\n---\nText", "", None, 1),
        ("---\n---\nText", "", "Text", 0),
        ("---\ntitle: 7\n...\nText", "7", "Text", 0),
        ("---\ntitle: A\n---\n# B\nText", "A", "== B ==\nText", 0),
        ("---\nText between rules\n---\nmore", "", "== Text between rules ==\nmore", 0),
        ("---\nnever closed", "", "never closed", 0),
        ("# *A* [[b|c]] `d`\nText", "A c d", "Text", 0),
        ("Title\n=====\nText", "Title", "Text", 0),
        ("# A\n# A\nText", "A", "== A ==\nText", 0),
        ("[[_TOC_]]\n\n[TOC]\n\nText", "", "Text", 0),
        ("100%% and 50%% sure", "", "100 sure", 0),
        ("%% never closed\n\nText", "", "%% never closed\nText", 0),
        ("[[ ]] [[a [[b]] ![[x", "", "[[ ]] [[a b ![[x", 0),
    ],
)
def test_pages(markdown: str, title: str, text: str | None, faults: int) -> None:
    page = MarkdownReader().read(markdown)
    assert (page.title, len(page.faults)) == (title, faults)
    assert page.text.endswith("Text") if text is None else page.text == text


def test_brackets_that_nothing_closes_stand_as_they_are() -> None:
    page = MarkdownReader().read("[" * 2000 + " a \\[b] [c](d)\n\n[link](to)")
    assert page.text == "[" * 2000 + " a [b] [c](d)\nlink"


def test_comments_are_obsidians_only() -> None:
    text = "for %%i in 1 2: echo %%i"
    assert MarkdownReader(has_comments=False).read(text).text == text


@pytest.mark.parametrize(
    "markdown",
    [">" * 3000, "- " * 3000, "[" * 500, "![[" * 300, "*a " * 1000, "x" + "`" * 2000, "[a](" * 300,
     "<!--" * 2000, "%%" * 2001, "$$" * 2000, "==a " * 1000, "<div>\n\n" * 600, "|a" * 500 + "\n"],
)  # fmt: skip
def test_hostile_documents_lose_no_text(markdown: str) -> None:
    page = MarkdownReader().read(f"Before\n\n{markdown} last")
    assert page.text.startswith("Before")
    assert "last" in page.text or markdown.startswith(("<!--", "%%"))


@pytest.mark.parametrize(
    "unit",
    ["==a ", "a==b ", "== ", "a == b ", "%%a ", "$a ", "$$a ", "[^1] ", "[[a ", "[[a]] ", "![[a ",
     "*a ", "~~a ", "`a ", "[TOC] ", "^abcd ", "<!-- ", "<b> ", "&a ", "\\a ", "a\n", "a  \n",
     "[", "![", "[^", "[a](", "[(", "\\[", "==", "&"],
)  # fmt: skip
def test_a_long_paragraph_takes_linear_time(unit: str) -> None:
    reader = MarkdownReader()
    assert grows_evenly(lambda length: reader.read(unit * (length // len(unit))), size=10_000)


WORDS = st.from_regex(r"[a-zé ]{1,12}", fullmatch=True)
MARKS = st.sampled_from(
    ["*", "**", "_", "`", "# ", "## ", "\n", "\n\n", "- ", "1. ", "> ", "[[", "]]", "|", "![[",
     "==", "$", "~~", "[^1]", "---\n", "[x](y)", "    ", "\t", "> [!note] ", "&amp;", "<b>", "%"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(MARKS, WORDS), max_size=20))
def test_no_word_is_lost_whatever_the_marks(pieces: list[tuple[str, str]]) -> None:
    markdown = "".join(f"{mark}w{n}w {words}" for n, (mark, words) in enumerate(pieces))
    page = MarkdownReader().read(markdown)
    said = re.findall(r"w\d+w", f"{page.title} {page.text} {page.metadata}")
    # The first part of [[page|label]] is an address.
    if "[[" not in markdown:
        assert {f"w{n}w" for n in range(len(pieces))} <= set(said)
    split_sections(page.text)


def write(folder: Path, files: dict[str, str]) -> FolderSource:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return FolderSource(folder)


def test_a_clone_of_a_wiki_of_github(tmp_path: Path) -> None:
    source = write(
        tmp_path / "kites.wiki",
        {
            "Home.md": "Welcome to [[the guide|Getting-Started]] and [[FAQ]]. for %%i in %%j",
            "Getting-Started.md": "See [[Home]].",
            "Non\u2010stop-flight.markdown": "Far.",
            "_Sidebar.md": "* [[Home]]",
            "_Footer.md": "x",
            "img/kite.png": "x",
            ".git/config": "x",
        },
    )
    assert [(a.title, a.text, a.url) for a in source] == [
        ("Getting Started", "See Home.", "Getting-Started.md"),
        ("Home", "Welcome to the guide and FAQ. for %%i in %%j", "Home.md"),
        ("Non-stop flight", "Far.", "Non%E2%80%90stop-flight.markdown"),
    ]
    assert source.skipped == {
        "in the frame of a wiki": 2,
        "in a format that is not read": 1,
    }
    assert source.count() == 3


def test_a_clone_of_a_wiki_of_gitlab(tmp_path: Path) -> None:
    source = write(
        tmp_path / "kites",
        {
            "home.md": "---\ntitle: Start\n---\n[[_TOC_]]\n\nSee [[Flying|guides/how-to-fly]].",
            "guides/how-to-fly.md": "---\ntitle: How to fly\naliases: Flying\n---\nRun.",
            ".gitlab/redirects.yml": "guides/fly-high: guides/how-to-fly\nold: gone\n",
        },
    )
    assert [(a.title, a.text, a.metadata.get("aliases")) for a in source] == [
        ("How to fly", "Run.", ["Flying", "fly high"]),
        ("Start", "See Flying.", None),
    ]
    write(tmp_path / "kites", {".gitlab/redirects.yml": "a: [", "pics/x.png": "x"})
    assert [a.title for a in source] == ["How to fly", "Start"]
    assert source.count() == 2
    assert source.skipped == {"in a format that is not read": 1}


def test_a_vault_of_obsidian(tmp_path: Path) -> None:
    source = write(
        tmp_path / "vault",
        {
            ".obsidian/app.json": "{}",
            ".trash/old.md": "x",
            "Home.md": "[[2024-02-29|the day]] %%secret%%",
            "daily/2024-02-29.md": "---\nurl: https://example.org/day\ntags: a, b\n---\nRain.",
            "C#.md": "---\n{\n---\nSharp.",
        },
    )
    assert [(a.title, a.text, a.url, a.metadata) for a in source] == [
        ("C#", "{\nSharp.", "C%23.md", {"path": "C#.md"}),
        ("Home", "the day", "Home.md", {"path": "Home.md"}),
        (
            "2024-02-29",
            "Rain.",
            "https://example.org/day",
            {"tags": ["a", "b"], "path": "daily/2024-02-29.md"},
        ),
    ]
    assert source.skipped == {"front matter that is not YAML": 1}
