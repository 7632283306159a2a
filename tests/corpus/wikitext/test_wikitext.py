"""Conversion of wikitext to plain text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work_growth import grows_evenly

from wikirank.corpus.wikitext import (
    NamespaceNames,
    page_metadata,
    plain_text,
    read_wikitext,
    redirect_target,
)
from wikirank.passages.sections import split_sections

MARKUP = re.compile(
    r"\{\{|\[\[|'''|^\s*\{\||</?(?:ref|div|span|br|table|td|tr|small|nowiki)\b", re.MULTILINE
)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''Frost''' is ''ice''.", "Frost is ice."),
        ("l'''amour'' et ''''x''' y", "l'amour et 'x y"),
        ("[[bus]]es, [[Car|cars]], [[Kite (toy)|]], [[:Category:Ice]], [[#Use]]",
         "buses, cars, Kite, Category:Ice, Use"),
        ("a[[File:x.png|thumb|A [[caption]] {{of}} it]]b [[Bild:y.jpg]]c[[de:Frost]]", "ab c"),
        ("[https://a.org/?b=c the site] and [//b.org] and https://c.org",
         "the site and and https://c.org"),
        ("One.<ref>no [[x]] {{cite}}</ref> Two.<ref name=a /> Three<ref name=\"b\">x</ref>.",
         "One. Two. Three."),
        ("a <!-- b {{ c --> d<!-- e", "a d"),
        ("* {{cite book|title=x}}, vol. 2\n* {{cite web|url=y}} – a film\n* {{cite|z}}.\n"
         "* {{x}}{{y}} .NET\n* {{x}} -5 ({{y}})\n* – a\n# {{x}}: b\n# {{x}} ; c",
         "- vol. 2\n- a film\n- .NET\n- -5\n- – a\n1. b\n2. c"),
        ("Ice is\nhard [[water]]\n, they\nsay.<ref>x</ref>\n"
         "It melts\nSoon\n.\n\nit is\n.NET\n\nso\n x\ny",
         "Ice is hard water, they say.\nIt melts\nSoon.\n\nit is\n.NET\n\nso\nx\ny"),
        ("a is<br>\nb<br>c\n* d\ne\n{|\n| f\ng\n|}\nh\n;i\nj:\nk",
         "a is\n\nb\nc\n- d\ne\n\nf g\n\nh\ni\nj:\nk"),
        ("Ada ({{IPAc-en|x}}; born {{birth date|1815|12|10|df=y}}) won.",
         "Ada (born 10 December 1815) won."),
        ("It is {{convert|5|-|10|km|mi}} or {{convert|5|ft|10|in|m}} or a {{cvt|3|m|adj=on}} run.",
         "It is 5–10 km or 5 ft 10 in or a 3-m run."),
        ("In {{lang|fr|l'eau}} ({{lang-de|das Wasser}}), {{circa|1900}}, {{val|1.5|e=3|u=m}}.",
         "In l'eau (das Wasser), c. 1900, 1.5×10^3 m."),
        ("a{{spaced ndash}}b {{nowrap|c {{small|d}}}} {{unknown|x|y=z}}e{{fact|date=May}}.",
         "a – b c d e."),
        ("x<sup>2</sup> H<sub>2</sub>O 5<sup>th</sup> &lt;b&gt; &amp;nbsp; &eacute;&#233;&nbsp;!",
         "x^2 H2O 5th <b> &nbsp; éé !"),
        ("<nowiki>[[a]] ''b'' {{c}}</nowiki> <code>a[b[0]]</code>", "[[a]] ''b'' {{c}} a[b[0]]"),
        ("<math>\\frac{{a}}{b}</math> is it", "\\frac{ {a} } {b} is it"),
        ("__NOTOC__\n__init__ {{DEFAULTSORT:x}}{{PAGENAME}}", "__init__"),
        ("<div class=\"x\">a<br/>b</div><span style='display:none'>hidden</span>", "a\nb"),
        ("{{{1|given}}} and {{#if:x|yes|no}} and {{formatnum:1000}}", "given and yes and 1000"),
        ("open {{a|b and [[c and <ref>d", "open a|b and c and d"),
        ("a]] b}} c", "a b c"),
    ],
)  # fmt: skip
def test_text(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


def test_blocks() -> None:
    wikitext = """Lead.
= One =
== Two ==<!-- x -->
* a
** b
*# c
*# d
# e
# f
; term : what it is
: said
----
=== ''Three'' {{anchor|x}} ===
Text.

{{Infobox
| a = b
}}


More.
<blockquote>
Quoted.
</blockquote>
"""
    assert plain_text(wikitext) == (
        "Lead.\n\n== One ==\n\n=== Two ===\n- a\n  - b\n  1. c\n  2. d\n1. e\n2. f\n"
        "term: what it is\nsaid\n\n==== Three ====\nText.\n\nMore.\n\nQuoted.\n\nA: b"
    )


def test_code_that_looks_like_a_heading_stays_code() -> None:
    page = plain_text("Lead.\n<pre>\n== no ==\nx\n</pre>\n== Yes ==\ny\n&#61;= no =&#61;")
    assert [section.path for section in split_sections(page)] == [(), ("Yes",)]


TABLE = """Before.
{| class="wikitable" style="x"
|+ style="y" | Kites
! Name !! Year
|-
| rowspan="2" | Box || 1893
|-
| style="a" | 1894<br />(again)
|-
! scope=row | Delta
| [[1948]]<ref>x</ref> || {{yes}}
|-
|
* one
* two
|
{|
| inner || cell
|}
|}
After."""


def test_tables() -> None:
    assert plain_text(TABLE) == (
        "Before.\n\nKites\nName | Year\nBox | 1893\nBox | 1894 (again)\nDelta | 1948 | Yes\n"
        "one; two | inner | cell\n\nAfter."
    )


def test_rows_of_a_table_that_a_template_begins() -> None:
    wikitext = "{{Table top}}\n|-\n| Gold || 1990\n|-\n| Silver\n|} After."
    assert plain_text(wikitext) == "Gold | 1990\n\nSilver\nAfter."


def test_lists_in_columns() -> None:
    assert plain_text("{{Columns-list|2|\n* a\n* b\n}}") == "- a\n- b"


def test_a_table_in_html_and_one_that_never_closes() -> None:
    html = "<table><tr><th>Size</th><td>5 m</td></tr><tr><td>a</td><td>b</td></tr></table>"
    assert plain_text(html) == "Size: 5 m\na | b"
    assert plain_text("{|\n! A\n| b\n== Next ==\nText.") == "A: b\n\n== Next ==\nText."


def test_layout_tables_keep_their_paragraphs() -> None:
    long = "A sentence of running text. " * 20
    assert plain_text(f"{{|\n| {long}\n| short\n|}}") == f"{long.strip()}\nshort"


def test_quotations_of_any_language_are_kept_and_notices_are_not() -> None:
    said = "I have not failed; I have only found ten thousand ways that do not work at all."
    assert plain_text(f"{{{{Quote|{said}|Edison}}}}") == f"{said}\n— Edison"
    assert plain_text(f"{{{{Цитат|{said}}}}}") == said
    assert plain_text(f"{{{{efn|{said}}}}}{{{{Infobox x|{said}}}}}{{{{hatnote|{said}}}}}") == ""


def test_a_wikis_own_names() -> None:
    names = NamespaceNames.of({6: ["Файл"], 14: ["Категория"], 10: ["Шаблон"], 0: [""]})
    page = read_wikitext(
        "а[[Файл:x.webp2|б]]в{{Шаблон:nowrap|г}}[[категория:Ice_age|*]][[Category: B ]]",
        names=names,
    )
    assert (page.text, page.categories) == ("авг", ("Ice age", "B"))


@pytest.mark.parametrize(
    ("title", "wikitext", "kind"),
    [
        ("Mercury", "a {{disambiguation}}", "disambiguation"),
        ("Mercury", "a {{Hndis|name=x}}", "disambiguation"),
        ("Mercury", "a __DISAMBIG__", "disambiguation"),
        ("Mercury (disambiguation)", "a", "disambiguation"),
        ("Меркурий", "{{Неоднозначность}}", "disambiguation"),
        ("List of kites", "a", "list"),
        ("Kites", "a [[Category:Lists of toys]]", "list"),
        ("Listing", "a {{surname}}", "article"),
    ],
)
def test_kinds(title: str, wikitext: str, kind: str) -> None:
    assert read_wikitext(wikitext, title=title).kind == kind


@pytest.mark.parametrize(
    ("wikitext", "target"),
    [
        ("#REDIRECT [[Frost]]", "Frost"),
        (" #redirect: [[Frost_bite#Cause|x]] {{R from}}", "Frost bite"),
        ("#пренасочване [[Мраз]]", "Мраз"),
        ("#เปลี่ยนทาง [[น้ำแข็ง]]", "น้ำแข็ง"),
        ("#重新導向：[[霜]]", "霜"),
        ("＃転送 [[氷]]", "氷"),
        ("#đổi [[Băng]]", "Băng"),
        ("#YÖNLENDİRME [[Buz]]", "Buz"),
        ("#ALIH [[Es]]", "Es"),
        ("#पुनर्निर्देशन [[बर्फ़]]", "बर्फ़"),
        ("#first [[Frost]]", ""),
        ("# REDIRECT [[Frost]]", ""),
        ("See #REDIRECT [[Frost]]", ""),
    ],
)
def test_redirects(wikitext: str, target: str) -> None:
    assert redirect_target(wikitext) == target
    assert read_wikitext(wikitext).redirect == target
    assert bool(plain_text(wikitext)) == (not target)


def test_metadata() -> None:
    page = read_wikitext("a[[Category:B]][[Category:B]]")
    assert page_metadata(page, ["x", "y", "x"]) == {
        "kind": "article",
        "categories": ["B"],
        "aliases": ["x", "y"],
    }
    assert page_metadata(read_wikitext("a")) == {"kind": "article"}


PIECES = st.sampled_from(
    ["{{", "}}", "{{{", "}}}", "[[", "]]", "|", "=", "==", "\n", "\n{|", "\n|-", "\n|}", "\n|",
     "\n!", "!!", "||", "\n*", "\n#", "\n;", "''", "'''", "<ref>", "</ref>", "<ref name=a/>",
     "<br>", "<div>", "</div>", "<table>", "<td>", "<!--", "-->", "{{nowrap|",
     "{{convert|", "File:a.png",
     "Category:", "http://a.b", "[http://a.b ", "]", "<sup>", "</sup>", "&nbsp;", "&#0;", "__TOC__",
     "rowspan=9|", "word", " ", "é", "\x00", "\x01", "\r", "(", ")", ","]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_order_of_markup_leaves_none(wikitext: str) -> None:
    text = plain_text(wikitext)
    assert not MARKUP.search(text), text
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
    assert "\n\n\n" not in text
    assert plain_text(wikitext) == text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=20))
def test_any_text_is_read(wikitext: str, title: str) -> None:
    assert isinstance(read_wikitext(wikitext, title=title).text, str)


@given(st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=1, max_size=12))
def test_words_outside_markup_are_kept_in_order(words: list[str]) -> None:
    marks = ["'''{}'''", "[[{}]]", "[[Target|{}]]", "{}<ref>omega</ref>", "{{{{small|{}}}}}", "{}"]
    wikitext = " ".join(marks[n % len(marks)].format(word) for n, word in enumerate(words))
    assert plain_text(wikitext).split() == words


HOSTILE = {
    "templates": "{{a|", "links": "[[a|", "both": "{{a|[[b|", "tags": "<b><i>", "refs": "<ref>",
    "comments": "<!--", "nowiki": "<nowiki>", "external links": "[http://a b ",
    "tables": "\n{|\n|a",
    "rows": "{|\n|-\n| rowspan=9999 | a\n", "attributes": "<b a=\"", "entities": "&",
    "quotes": "'''a''",
    "braces": "{{{{{", "closers": "}}]]|}", "lists": "\n*#:;", "headings": "\n== a", "hidden":
    "<span style='display:none'>", "dropped": "( {{x}} ,", "switches": "__TOC", "sups": "a<sup>",
    "nested": "{{small|[[a|b", "html tables": "<table><tr><td>", "brackets": "[",
    "points": " {{x}}", "wrapped": "ab\n", "guesses": "a {{x|y}}", "variants": "-{a;", "tabs":
    "<tabber>a|-|", "boxes": "{{Infobox a|b=", "facts": "{{Infobox a|b=c}}", "measures":
    "{{unité|5|m|", "ended tables": "{|\n|a\n== b ==\n", "table ends": "{|\n{{end}}{{end}}",
}  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_pages_take_linear_time(unit: str) -> None:
    assert grows_evenly(lambda length: plain_text(unit * (length // len(unit))))


def test_deep_nesting() -> None:
    assert plain_text("{{small|" * 50 + "x" + "}}" * 50) == "x"
    deep = plain_text("{{small|" * 5000 + "x" + "}}" * 5000)
    assert "{{" not in deep


def test_cells_over_many_rows_do_not_multiply() -> None:
    cells = "".join(f"| rowspan=9999 | {'x' * 100}\n" for _ in range(300))
    rows = "|-\n| y\n" * 3000
    wikitext = f"{{|\n{cells}{rows}|}}"
    assert len(plain_text(wikitext)) < 3 * len(wikitext)
