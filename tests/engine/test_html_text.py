"""Rendered pages made into text: what is kept, what is left out, what broken HTML does."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.corpus import split_sections
from wikirank.corpus.mediawiki.html_text import rendered_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\ntwo <b>three</b>.</p><p>Four.</p>", "One two three.\n\nFour."),
        ("one<br>two<br />three", "one\ntwo\nthree"),
        ("<p>5&nbsp;km &amp; a &lt;tag&gt;</p>", "5\xa0km & a <tag>"),
        ("<h2><span>A &amp; <i>b</i></span></h2><p>c</p>", "== A & b ==\n\nc"),
        ("<h1>Top</h1>x<h6>Deep</h6>y", "== Top ==\n\nx\n\n====== Deep ======\n\ny"),
        ("<h2></h2><p>a</p>", "a"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ul><li><p>a</p></li></ul>", "- a"),
        ("<ul><li>- 5</li><li></li><li><ul><li>b</li></ul></li></ul>", "- - 5\n  - b"),
        ("<dl><dt>Frost</dt><dd>frozen dew</dd></dl>", "Frost: frozen dew"),
        ("<dl><dd>indented</dd></dl>", "indented"),
        ("<pre>a\n  b == c\n</pre><p>d</p>", "a\n  b == c\n\nd"),
        ("<p>x <math alttext='e^x'><mi>e</mi></math> y</p>", "x e^x y"),
        ("<p>x <img class='tex' alt='e^x'> y</p>", "x e^x y"),
        ("<div>a<div>b</div></div>", "a\n\nb"),
    ],
)
def test_text_of_elements(html: str, text: str) -> None:
    assert rendered_text(html) == text


def test_rows_of_tables_are_lines() -> None:
    html = """<p>Before</p><table><caption>Sizes</caption>
    <tr><th>Name</th><th>Size<br>in m</th></tr>
    <tr><td>Ant<p>small</p></td><td><ul><li>1</li><li>2</li></ul></td></tr>
    <tr><td><table><tr><td>in</td><td>ner</td></tr></table></td><td><h2>Head</h2></td></tr>
    </table><p>After</p>"""
    assert rendered_text(html) == (
        "Before\n\nSizes\nName | Size; in m\nAnt small | 1; 2\nin | ner | Head\n\nAfter"
    )


@pytest.mark.parametrize(
    "furniture",
    [
        '<sup class="reference"><a>[1]</a></sup>',
        '<div class="mw-references-wrap"><ol class="references"><li>Note</li></ol></div>',
        '<span class="mw-editsection">[edit]</span>',
        '<div id="toc" class="toc"><ul><li>1 History</li></ul></div>',
        '<div class="navbox"><div>links</div></div>',
        '<div role="navigation">links</div>',
        '<table class="ambox metadata"><tr><td>Cite more sources</td></tr></table>',
        '<span style="display: none">hidden</span>',
        "<style>.a{}</style>",
        "<script>alert(1)</script>",
        "<!-- comment -->",
    ],
)
def test_furniture_is_left_out(furniture: str) -> None:
    assert rendered_text(f"<p>Ada walked.{furniture}</p><p>She rested.</p>").split("\n\n") == [
        "Ada walked.",
        "She rested.",
    ]


def test_headings_become_sections() -> None:
    text = rendered_text("<p>Lead.</p><h2>A</h2><p>a</p><h3>B</h3><p>b</p><h2>C</h2><p>c</p>")
    sections = [(section.path, section.text) for section in split_sections(text)]
    assert sections == [((), "Lead."), (("A",), "a"), (("A", "B"), "b"), (("C",), "c")]


TAGS = ["p", "div", "ul", "ol", "li", "table", "tr", "td", "h2", "pre", "dl", "dt", "dd", "br", "b"]
PIECES = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
    st.from_regex(r"[a-z]{1,4}[0-9]{4}", fullmatch=True),
)


@given(st.lists(PIECES, max_size=30))
def test_no_word_is_lost_however_broken_the_html(pieces: list[str]) -> None:
    text = rendered_text(" ".join(pieces))
    at = 0
    for word in (piece for piece in pieces if not piece.startswith("<")):
        at = text.find(word, at)
        assert at >= 0, (word, text)
        at += len(word)


@pytest.mark.parametrize("depth", [30_000])
def test_hostile_nesting_takes_no_long_time(depth: int) -> None:
    nested = "<div><ul><li><table><tr><td>" * depth, "<ul><li>" * depth, "<div>" * depth
    closed = "</b>" * depth, "</li>" * depth, "</p></div>" * depth
    started = time.perf_counter()
    for start, end in zip(nested, closed, strict=True):
        assert "deep" in rendered_text(f"{start}<b>deep{end}end")
    assert time.perf_counter() - started < 60
