"""Templates whose loss would tear a sentence, and what stands for them; all others go.

A template of another name is dropped, but for arguments that are whole sentences: quotations have
a template of their own in every language.
"""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.marks import DROPPED
from wikirank.corpus.wikitext.names import is_language
from wikirank.corpus.wikitext.template_table import TEMPLATES, Renderer, last_language_text, nothing


def template_name(name: str) -> str:
    """A template's name as the table has it: in lower case, with single spaces."""
    return " ".join(name.replace("_", " ").split()).lower()


def render_template(name: str, given: Arguments) -> str:
    """What a reader sees of a template, as far as we know it.

    Args:
        name: Its normalised name.
        given: Its arguments.

    Returns:
        Wikitext; a mark that something was dropped if the template is not known.
    """
    renderer = TEMPLATES.get(name)
    if renderer is None:
        renderer = _by_prefix(name)
    return (renderer(given) if renderer else _sentences(name, given)) or DROPPED


def _by_prefix(name: str) -> Renderer | None:
    if name.startswith(("lang-", "langx-")):
        return last_language_text
    word, hyphen, language = name.rpartition("-")
    if hyphen and is_language(language) and not word.startswith(("ipa", "audio", "r", "cite")):
        return last_language_text  # "lang-" has other names in other wikis
    if name.startswith(
        ("flagicon", "cite ", "citation", "harv", "ipa-", "ipac-", "sfn", "efn", "refn")
    ):
        return nothing
    return None


_SENTENCE_END = re.compile(r"""[.!?…。！？][)"'”’»\s]*$""")
_SHORTEST_SENTENCE = 60  # characters; captions and notices are mostly shorter
_BOXES = ("infobox", "taxobox", "navbox", "ambox", "sidebar", "geobox", "chembox", "drugbox")


def _sentences(name: str, given: Arguments) -> str:
    """The positional arguments of a template we do not know that are whole sentences."""
    if name.startswith(_BOXES):
        return ""
    kept = [text for text in given.given if len(text) >= _SHORTEST_SENTENCE and _is_sentence(text)]
    return "".join(f"\n{text}\n" for text in kept)


def _is_sentence(text: str) -> bool:
    return text.count(" ") >= 8 and _SENTENCE_END.search(text[-40:]) is not None
