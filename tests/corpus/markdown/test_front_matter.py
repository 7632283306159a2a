"""Front matter of a note: YAML, TOML, Logseq's properties."""

from __future__ import annotations

from typing import Any

import pytest

from wikirank.corpus.markdown import MarkdownReader


@pytest.mark.parametrize(
    ("head", "title", "metadata"),
    [
        ("alias: Frosty", "", {"aliases": ["Frosty"]}),
        ("Aliases: Frosty, Old frost", "", {"aliases": ["Frosty", "Old frost"]}),
        ("alias: [a]\naliases: [b, a]", "", {"aliases": ["a", "b"]}),
        ("tags: ice water", "", {"tags": ["ice", "water"]}),
        ("tag: '#ice, #old/water'", "", {"tags": ["ice", "old/water"]}),
        ("tags: [ice water, frost]", "", {"tags": ["ice water", "frost"]}),
        ("tags:\n- ice\n- 2024", "", {"tags": ["ice", "2024"]}),
        ("title: 2024-01-05", "2024-01-05", {}),
        ("Title: 1984", "1984", {}),
        ("title: 12:30", "12:30", {}),
        ("aliases: [No, on, 2024-01-05]", "", {"aliases": ["No", "on", "2024-01-05"]}),
        ("draft: false\nn: 7\nd: 2024-01-05", "", {"draft": False, "n": 7, "d": "2024-01-05"}),
        ("title: [a]\ntags:\naliases: ''", "", {}),
    ],
)
def test_yaml(head: str, title: str, metadata: dict[str, Any]) -> None:
    page = MarkdownReader().read(f"---\n{head}\n---\nBody.")
    assert (page.title, page.metadata, page.text, page.faults) == (title, metadata, "Body.", ())


@pytest.mark.parametrize(
    ("head", "title", "metadata"),
    [
        ('title = "Frost"\ndate = 2026-01-01', "Frost", {"date": "2026-01-01"}),
        ('tags = ["ice", "water"]\nalias = "x"', "", {"tags": ["ice", "water"], "aliases": ["x"]}),
        ("title = 2026-01-01\nweight = 3\n[extra]\na = 1", "2026-01-01", {"weight": 3}),
        ("# only a comment", "", {}),
    ],
)
def test_toml(head: str, title: str, metadata: dict[str, Any]) -> None:
    page = MarkdownReader().read(f"+++\n{head}\n+++\n\nBody.")
    assert (page.title, page.metadata, page.text, page.faults) == (title, metadata, "Body.", ())


def test_invalid_toml_stays_as_text() -> None:
    page = MarkdownReader().read("+++\na = [\n+++\nBody.")
    assert (page.text, page.faults) == ("a = [\nBody.", ("front matter that is not TOML",))
    assert MarkdownReader().read("+++\nnever closed").text == "+++ never closed"


def test_properties_of_logseq() -> None:
    page = MarkdownReader().read(
        "title:: Frost\nalias:: [[Rime]], Hoar frost\ntags:: #ice, [[cold things]]\ntype:: note\n\n"
        "- Frost is ice.\n  id:: 6453-aa\n  collapsed:: true\n\t- It melts.\n\t  source:: a book\n"
    )
    assert page.title == "Frost"
    assert page.metadata == {
        "aliases": ["Rime", "Hoar frost"],
        "tags": ["ice", "cold things"],
        "type": "note",
    }
    assert page.text == "- Frost is ice.\n  - It melts. source:: a book"


def test_properties_in_the_first_block_and_none_elsewhere() -> None:
    page = MarkdownReader().read("- alias:: Rime\n- Text.")
    assert (page.metadata, page.text) == ({"aliases": ["Rime"]}, "- Text.")
    assert MarkdownReader().read("std::vector\nkey:: value").text == "std::vector key:: value"


def test_headings_of_level_one_are_above_the_others() -> None:
    page = MarkdownReader().read("# T\n\na\n\nOne\n===\n\n## Two\n\nb\n\n# Three\n\n## Two\n\nc")
    assert page.title == "T"
    assert page.text == "a\n\n== One ==\n\n=== Two ===\nb\n\n== Three ==\n\n=== Two ===\nc"
    assert MarkdownReader().read("# T\n\n## A\n\nb").text == "== A ==\nb"


@pytest.mark.parametrize(
    "head",
    ["---\na: " + "[" * 100_000 + "\n---\n", "---\na: " + "{" * 60_000 + "\n---\n",
     "+++\n" + "a." * 30_000 + "a = 1\n+++\n", "+++\n[" + "a." * 30_000 + "a]\n+++\n"],
)  # fmt: skip
def test_front_matter_nested_too_deeply_stays_text(head: str) -> None:
    page = MarkdownReader().read(f"{head}Body.")
    assert page.metadata == {}
    assert page.text.endswith("Body.")
    assert head[8:40] in page.text
