"""Templates whose loss would tear a sentence, and what stands for them.

Of a template of another name short positional arguments are kept within a sentence, and elsewhere
arguments that are whole sentences: quotations have a template of their own in every language.
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
from wikirank.corpus.wikitext.template_forms import Renderer, nothing
from wikirank.corpus.wikitext.template_french import name_as_read
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
    """A template's name as the table has it: in lower case, with single spaces."""
    return " ".join(name.replace("_", " ").split()).lower()


def render_template(name: str, args: Arguments) -> str:
    """What a reader sees of a template, as far as we know it.

    Args:
        name: Its name as it is written, without a namespace.
        args: Its arguments.

    Returns:
        Wikitext; a mark that something was dropped if nothing of it is text.
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
        text = _by_name_alone(name, normalised)
    return text or DROPPED


def _by_name_alone(written: str, normalised: str) -> str:
    """The text of templates that are called as they are read: `{{USA}}`, `{{CO2}}`, `{{1/2}}`."""
    written = written.strip()
    if written in COUNTRIES:
        return COUNTRIES[written]
    if _FORMULA.fullmatch(written) or _FRACTION.fullmatch(written):
        return written
    return name_as_read(normalised)


def _by_prefix(name: str) -> Renderer | None:
    if name.startswith("lang-zh"):
        return chinese
    if name.startswith(("lang-", "langx-")):
        return last_language_text
    word, hyphen, language = name.rpartition("-")
    if renderer := chinese_link(name):
        return renderer
    if hyphen and is_language(language) and not word.startswith(("ipa", "audio", "r", "cite")):
        return last_language_text  # "lang-" has other names in other wikis
    if name.startswith(
        ("flagicon", "cite ", "citation", "harv", "ipa-", "ipac-", "sfn", "efn", "refn")
    ):
        return nothing
    return None


_SENTENCE_END = re.compile(r"""[.!?…。！？][)"'”’»\s]*$""")
_SHORTEST_SENTENCE = 60  # characters; captions and notices are mostly shorter
_BOXES = ("navbox", "ambox", "sidebar", "tmbox", "ombox", "mbox")


def _unknown(name: str, args: Arguments) -> str:
    """What we keep of a template that we do not know."""
    if name.startswith(_BOXES):
        return ""
    kept = [text for text in args.filled if len(text) >= _SHORTEST_SENTENCE and _is_sentence(text)]
    said = "".join(f"\n{text}\n" for text in kept) + prose(name, args)
    return said or guess(name, args)


def _is_sentence(text: str) -> bool:
    return text.count(" ") >= 8 and _SENTENCE_END.search(text[-40:]) is not None
