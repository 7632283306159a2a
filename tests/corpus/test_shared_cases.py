"""Regression cases: inputs that were once read wrongly, with the right results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from wikirank.corpus.html import html_text
from wikirank.corpus.markdown import MarkdownReader
from wikirank.corpus.wikitext import plain_text, redirect_target
from wikirank.passages.sentences import sentence_spans

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"needs the cases in {CASES}")


def of_wikitext(text: str) -> str:
    target = redirect_target(text)
    return f"REDIRECT {target}" if target else plain_text(text)


def of_markdown(text: str) -> str:
    page = MarkdownReader().read(text)
    return f"{page.title}\n{json.dumps(page.metadata, sort_keys=True)}\n{page.text}"


def of_sentences(text: str) -> str:
    return "\n".join(text[start:end] for start, end in sentence_spans(text))


READERS: dict[str, Callable[[str], str]] = {
    ".wikitext": of_wikitext,
    ".html": html_text,
    ".md": of_markdown,
    ".txt": of_sentences,
}
FILES = sorted(
    path
    for path in CASES.glob("*")
    if path.suffix in READERS and path.with_suffix(".expected").is_file()
)


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_case(path: Path) -> None:
    got = READERS[path.suffix](path.read_text("utf-8").rstrip("\n"))
    expected = path.with_suffix(".expected").read_text("utf-8")
    assert lines(got) == lines(expected)


def lines(text: str) -> str:
    """No repeated blank lines, and none at either end or after a heading."""
    text = re.sub(r"\n\s*\n", "\n\n", text.strip())
    return re.sub(r"(^==.*==)\n+", r"\1\n", text, flags=re.MULTILINE)
