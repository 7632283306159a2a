from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work_growth import grows_evenly

from wikirank.corpus.html import html_text
from wikirank.errors import CorpusError
from wikirank.passages.sections import split_sections


def test_a_page_as_mediawiki_writes_it() -> None:
    page = """<html><head><title>Kite</title><style>p{}</style></head><body>
    <h1>Kite</h1><div id="mw-content-text">
    <div class="hatnote">For the bird, see <a href="x">Kite (bird)</a>.</div>
    <table class="infobox"><tr><th colspan="2">Kite</th></tr>
    <tr><th>Inventor</th><td>Mozi<br>Lu Ban</td></tr></table>
    <p>A <b>kite</b> is a   tethered&nbsp;craft.<sup id="cite_ref-1"><a>[1]</a></sup>
    It flies at 10<sup>2</sup> m.<sup class="noprint">[<i>citation needed</i>]</sup></p>
    <div id="toc"><ul><li>1 History</li></ul></div>
    <h2><span id="History">History</span><span class="mw-editsection">[<a>edit</a>]</span></h2>
    <ul><li>First<ul><li>nested</li></ul></li><li>Second</li></ul>
    <ol start="3"><li>three</li><li>four</li></ol>
    <h3>Words &amp; <i>deeds</i></h3><script>alert("<p>no</p>")</script>
    <p style="color:red; DISPLAY : none">hidden</p><p hidden>hidden</p>
    <dl><dt>Spar</dt><dd>A stick.</dd></dl>
    <h2>References</h2><ol class="references"><li>A book.</li></ol>
    <table class="navbox"><tr><td>Toys</td></tr></table></div></body></html>"""
    assert html_text(page, title="kite") == (
        "A kite is a tethered craft. It flies at 10^2 m.\n"
        "Kite\nInventor: Mozi, Lu Ban\n\n"
        "== History ==\n- First\n  - nested\n- Second\n3. three\n4. four\n\n"
        "=== Words & deeds ===\nSpar\nA stick.\n\n== References =="
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        (
            "a&nbsp;b&shy;c&#x200b;d&hellip;&#128;&amp;lt; &bogus; &#xZ;",
            "a bcd…€&lt; &bogus; &#xZ;",
        ),
        ("a\0b\ud800", "ab?"),
        ("<p>1<p>2<br>3<br><br>4<hr>5", "1\n2\n3\n4\n5"),
        ("<p>x</p></body></html><p>after the end", "x\nafter the end"),
        ("<h1>Other</h1>a<h6>B<br>C</h6>d", "== Other ==\na\n\n====== B C ======\nd"),
        ("<pre>a  b\n\n\tc\n== d ==</pre>e", "a  b\n\n    c\n == d ==\ne"),
        ("<table><tr><td>a<pre>x\n\ny</pre></td><td>b</td></tr></table>", "a, x, y | b"),
        ("<table><tr><th>a<pre>x\n\ny</pre></th><td>b</td></tr></table>", "a x y: b"),
        ("km<sup>2</sup> 19<sup>th</sup> word<sup>1</sup> CO<sub>2</sub>", "km^2 19th word1 CO2"),
        ("33<sup>1</sup>⁄<sub>3</sub> m<sup>2</sup>/s", "33 1⁄3 m^2/s"),
        ("<li>loose<td>cell", "- loose\ncell"),
        ("<q>yes</q> <ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", '"yes" 漢(kan)'),
        ("<img alt=no><noscript>n</noscript><template>t</template>x", "x"),
        ("<blockquote><p>a</p></blockquote>b", "a\nb"),
    ],
)
def test_pieces(html: str, text: str) -> None:
    assert html_text(html) == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("<caption>Cap</caption><tr><th>A<th>B<tr><td>1<td>2", "Cap\nA | B\n1 | 2"),
        ("<tr><th>Born:<td>1 May<br>(aged 3)<br>Rome", "Born: 1 May (aged 3), Rome"),
        ("<tr><td><ul><li>a<li>b</ul><td>c", "a, b | c"),
        ("<tr><td rowspan=2>1990<td>x<td>p<tr><td>y<td>q<tr><td>1991<td>z<td>r",
         "1990 | x | p\n1990 | y | q\n1991 | z | r"),
        ("<tr><td>a<td rowspan=3>v<tr><td>b<tr><td>c", "a | v\nb | v\nc | v"),
        ("<tr><td>a<td><td>c<tr><td><td><td>", "a |  | c"),
        ("<tr><td><table><tr><td>in<td>ner</table><td>out", "in | ner | out"),
        (f"<tr><td><h2>Left</h2><p>{'long ' * 80}</p><td><p>Right</p>",
         f"Left\n{('long ' * 80).strip()}\nRight"),
    ],
)  # fmt: skip
def test_tables(rows: str, text: str) -> None:
    assert html_text(f"<table>{rows}</table>") == text


def test_what_a_mobile_page_hides_until_it_is_opened_is_text() -> None:
    page = """<section data-mw-section-id="0"><p>Lead.</p>
    <div class="pcs-collapse-table-container"><div class="pcs-collapse-table-collapsed-container">
    <strong>Quick facts</strong></div><table class="infobox" style="width: 22em; display: none">
    <tr><th>Born</th><td>1930</td></tr></table>
    <div class="pcs-collapse-table-collapsed-bottom">Close</div></div></section>
    <section data-mw-section-id="1" style="display: none;"><div class="pcs-edit-section-header">
    <h2>Life</h2><span class="pcs-edit-section-link-container"><a>edit</a></span></div>
    <details><summary><h3>Youth</h3></summary><p>Music.</p></details>
    <div class="NavFrame"><div class="NavContent" style="display:none">Folded.</div></div>
    <table class="persondata" style="display:none"><tr><td>Meta</td></tr></table></section>"""
    assert html_text(page) == ("Lead.\nBorn: 1930\n\n== Life ==\n\n=== Youth ===\nMusic.\nFolded.")


@pytest.mark.parametrize("hidden", ["", ' style="display: none"'])
def test_a_formula_is_given_once_as_tex(hidden: str) -> None:
    alt = r"{\displaystyle a^{2}}"
    page = (
        f'x <span class="mwe-math-element"><span class="mwe-math-mathml-inline"{hidden}>'
        f'<math alttext="{alt}"><mi>a</mi><annotation>{alt}</annotation></math></span>'
        f'<img class="mwe-math-fallback-image-inline" alt="{alt}"></span> y'
    )
    assert html_text(page) == "x a^{2} y"
    assert html_text(f'<img class="mwe-math-fallback-image-inline" alt="{alt}">') == "a^{2}"


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        ("<div>" * 990, "a ", ""),
        ("<b>" * 900, "</i>", ""),
        ("<table>", "<tr><td colspan=1000 rowspan=1000>q", "</table>"),
        ("", "<!--", "-->"),
        ("", "a<sup>1</sup>", ""),
        ("", " ", "<br>" * 10_000),
        ("", "&#x", ""),
        ("<p ", "a=1 ", ">"),
    ],
)
def test_hostile_pages_take_linear_time_and_room(before: str, unit: str, after: str) -> None:
    def read(length: int) -> None:
        page = f"{before}{unit * (length // len(unit))}{after}text"
        text = html_text(page)
        assert text.endswith("text")
        assert len(text) <= 4 * len(page)

    assert grows_evenly(read, size=20_000)


def test_cells_over_many_rows_take_no_more_room_than_the_page() -> None:
    cells = f"<td rowspan=900>{'a' * 70}" * 900
    page = f"<table><tr>{cells}{'<tr><td>x' * 900}</table>text"
    assert len(html_text(page)) <= 4 * len(page)


def test_deeper_than_any_page_is_an_error() -> None:
    with pytest.raises(CorpusError, match="nested at most 1000 deep"):
        html_text("<div>" * 200_000 + "text")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0<&="), max_size=20)
TAGS = st.sampled_from(
    ["p", "div", "b", "a", "ul", "ol", "li", "table", "tr", "td", "th", "h2", "h3", "br", "pre",
     "blockquote", "dl", "dd", "span", "sup", "q", "section"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TAGS, st.booleans(), TEXT), max_size=25))
def test_no_word_is_lost_whatever_the_tags(pieces: list[tuple[str, bool, str]]) -> None:
    page = "".join(
        f"<{'/' * closes}{tag}>w{n}w {text}" for n, (tag, closes, text) in enumerate(pieces)
    )
    text = html_text(page)
    assert all(f"w{number}w" in text for number in range(len(pieces)))
    assert "<" not in text
    assert "\0" not in text
    split_sections(text)
