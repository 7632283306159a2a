"""Remains of dropped elements, stacked indices, and first-level headings."""

from __future__ import annotations

import pytest

from wikirank.corpus.html import html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<b>Ada</b> (<span class=noexcerpt>x</span>; born 1815)", "Ada (born 1815)"),
        ("<b>Ada</b> (; born 1815) and Bo ( , 1900) and Cy ( ; ; b. 1)",
         "Ada (born 1815) and Bo (1900) and Cy (b. 1)"),
        ("Ada (<span class=noexcerpt>x</span>) was", "Ada was"),
        ("Ada (born 1815, <span class=noexcerpt>x</span>) was", "Ada (born 1815) was"),
        ("one<sup class=reference>[1]</sup> , two <sup class=reference>[2]</sup>.", "one, two."),
        ("call f() or g( ) and (;) for (;;) x", "call f() or g( ) and (;) for (;;) x"),
        ("a <style>b</style> c", "a c"),
    ],
)  # fmt: skip
def test_what_dropped_pieces_leave(html: str, text: str) -> None:
    assert html_text(f"<p>{html}</p>") == text


def test_code_keeps_its_brackets() -> None:
    assert html_text("<pre>for (; i < 3; i++)\n  f( )</pre>") == "for (; i < 3; i++)\n  f( )"


STACK = '<span style="display:inline-block;font-size:80%">{}<br />{}</span>'


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("SO" + STACK.format("<sup>2−</sup>", "<sub>4</sub>"), "SO4 2−"),
        ("PO" + STACK.format("3−", "4") + " ions", "PO4 3− ions"),
        ("1.5" + STACK.format("+0.2", "−0.1") + " m", "1.5+0.2−0.1 m"),
        (STACK.format("A longer first line", "and a second"), "A longer first line\nand a second"),
    ],
)
def test_indices_above_each_other(html: str, text: str) -> None:
    assert html_text(f"<p>{html}</p>") == text


def test_headings_below_one_of_the_first_level() -> None:
    html = "<h1>{}</h1>a<h2>B</h2>b<h1>{}</h1><h2>B</h2><h6>D</h6>c"
    assert html_text(html.format("Guide", "C"), title="Guide") == (
        "a\n\n=== B ===\nb\n\n== C ==\n\n=== B ===\n\n====== D ======\nc"
    )
    assert html_text("<h1>Guide</h1>a<h2>B</h2>b", title="guide") == "a\n\n== B ==\nb"
