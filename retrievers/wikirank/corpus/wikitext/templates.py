"""Replace templates by their text, where a sentence would be broken without it.

An unknown template keeps its short positional arguments inside a sentence. Elsewhere it keeps
arguments that are whole sentences, because every language has its own quotation templates.
"""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.guesses import guess
from wikirank.corpus.wikitext.marks import DROPPED, TABLE_END
from wikirank.corpus.wikitext.names import is_language
from wikirank.corpus.wikitext.template_asian import chinese_link
from wikirank.corpus.wikitext.template_boxes import infobox, prose
from wikirank.corpus.wikitext.template_countries import COUNTRIES
from wikirank.corpus.wikitext.template_forms import Renderer, drop
from wikirank.corpus.wikitext.template_french import french_text_from_name
from wikirank.corpus.wikitext.template_german import german_language_text
from wikirank.corpus.wikitext.template_inline import chinese
from wikirank.corpus.wikitext.template_table import TEMPLATES, last_language_text

_FORMULA = re.compile(
    r"(?=[A-Za-z]*[0-9])(?:(?:[HBCNOFPSKVWUYI]|A[cglrstu]|B[aeir]|C[adelorsu]|F[er]|G[ade]|H[efg]|"
    r"I[nr]|Kr|L[ai]|M[gno]|N[abei]|Os|P[bdtu]|R[abu]|S[bceinr]|T[aehil]|Xe|Z[nr])[0-9]*){1,8}"
)
_FRACTION = re.compile(r"[0-9]{1,4}/[0-9]{1,4}")
_TABLE_ENDS = frozenset(
    {"end", "s-end", "table end", "end table", "table bottom", "tableend", "fin tableau"}
    | {"tabelle ende", "fin de tabla", "jctbtm", "legend end", "end of table", "koniec tabeli"}
)


def template_name(name: str) -> str:
    """Normalise a template name: lower case, single spaces."""
    return " ".join(name.replace("_", " ").split()).lower()


def render_template(name: str, args: Arguments) -> str:
    """Return what a reader sees of a template.

    Args:
        name: Name as written in the page, without a namespace.
        args: Arguments of the template.

    Returns:
        Wikitext, or a `DROPPED` mark if the template shows no text.
    """
    normalised = template_name(name)
    if normalised in _TABLE_ENDS:
        return TABLE_END
    box = infobox(normalised, args)
    if box is not None:
        return box or DROPPED
    renderer = german_language_text(name.strip()) or TEMPLATES.get(normalised)
    renderer = renderer or _by_prefix(normalised)
    text = renderer(args) if renderer else _unknown(normalised, args)
    if not text and not args.positional and not args.named:
        text = _text_from_name(name, normalised)
    return text or DROPPED


def _text_from_name(name: str, normalised: str) -> str:
    """Return the text of a template whose name says it: `{{USA}}`, `{{CO2}}`, `{{1/2}}`."""
    name = name.strip()
    if name in COUNTRIES:
        return COUNTRIES[name]
    if _FORMULA.fullmatch(name) or _FRACTION.fullmatch(name):
        return name
    return french_text_from_name(normalised)


def _by_prefix(name: str) -> Renderer | None:
    if name.startswith("lang-zh"):
        return chinese
    if name.startswith(("lang-", "langx-")):
        return last_language_text
    word, hyphen, language = name.rpartition("-")
    if renderer := chinese_link(name):
        return renderer
    if hyphen and is_language(language) and not word.startswith(("ipa", "audio", "r", "cite")):
        return last_language_text  # other wikis have other names for "lang-"
    if name.startswith(
        ("flagicon", "cite ", "citation", "harv", "ipa-", "ipac-", "sfn", "efn", "refn")
    ):
        return drop
    return None


_SENTENCE_END = re.compile(r"""[.!?…。！？][)"'”’»\s]*$""")
_MIN_SENTENCE_LENGTH = 60  # characters; captions and notices are mostly shorter
_BOXES = ("navbox", "ambox", "sidebar", "tmbox", "ombox", "mbox")


def _unknown(name: str, args: Arguments) -> str:
    """Return the text to keep of an unknown template."""
    if name.startswith(_BOXES):
        return ""
    sentences = "".join(f"\n{text}\n" for text in args.filled if _is_sentence(text))
    return sentences + prose(name, args) or guess(name, args)


def _is_sentence(text: str) -> bool:
    return (
        len(text) >= _MIN_SENTENCE_LENGTH
        and text.count(" ") >= 8
        and _SENTENCE_END.search(text[-40:]) is not None
    )
