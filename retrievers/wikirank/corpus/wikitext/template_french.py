"""Templates of the French wikis."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    before,
    constant,
    date_in_words,
    either,
    language_text,
    measure,
    named,
    nothing,
    prefixed,
    quoted,
    written_months,
)

ROMAN = re.compile(r"[IVXLC]{1,7}", re.IGNORECASE)
_CENTURY_NAME = re.compile(r"([ivxlc]{1,7})(er|e)( siècle| millénaire)?")
_MONTHS = written_months(
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
)
_ORDINAL = re.compile(r"er?|re|nd")
_written = date_in_words(_MONTHS)


def _date(given: Arguments) -> str:
    """`{{date|17|octobre|1973}}`, also without the day or in one argument."""
    day = given[1]
    if day in ("1", "01"):
        return _written(Arguments(("1er", *given.positional[1:]), given.named))
    return _written(given)


def _birth_or_death(given: Arguments) -> str:
    """The first three arguments; what follows is a field, or the date of birth of who died."""
    return _date(Arguments(given.positional[:3], given.named))


def is_french_date(given: Arguments) -> bool:
    """Whether it is a day, a month and a year, in that order."""
    day, month, year = given[1], given[2], given[3]
    if day and not day.rstrip("er").isdecimal():
        return False
    french = month.lower() in _MONTHS.values()
    return french or (bool(day) and len(day) <= 2 and month.isdecimal() and len(year) > 2)


def french_date(given: Arguments) -> str:
    """The date in words."""
    return _date(given)


def century(given: Arguments) -> str:
    """`{{s-|XIX}}`, `{{s|Ier|av. J.-C.}}`: the century, in words."""
    numeral, *rest = given.given or [""]
    suffix = next((part for part in rest if _ORDINAL.fullmatch(part)), "")
    rest = [part for part in rest if not _ORDINAL.fullmatch(part)]
    return " ".join([_ordinal(numeral, suffix), "siècle", *rest])


def _ordinal(numeral: str, suffix: str = "") -> str:
    if not ROMAN.fullmatch(numeral):
        return numeral
    return numeral + (suffix or ("er" if numeral.upper() == "I" else "e"))


def _centuries(word: str) -> Renderer:
    """`{{s2-|XIX|XX}}`: two centuries, with a word between them."""

    def render(given: Arguments) -> str:
        numerals = [part for part in given.given if ROMAN.fullmatch(part)]
        if len(numerals) < 2:
            return century(given)
        return f"{_ordinal(numerals[0])} {word} {_ordinal(numerals[1])} siècles"

    return render


def _from_century_to(given: Arguments) -> str:
    """`{{sp-|XIX|e|au|XX|e|s}}`."""
    parts = [part for part in given.given if not _ORDINAL.fullmatch(part) and part != "s"]
    words = [_ordinal(part) if ROMAN.fullmatch(part) else part for part in parts]
    return f"{' '.join(words)} siècle"


def name_as_read(name: str) -> str:
    """The text of `{{XIXe siècle}}` or `{{1er mai}}`, which is the template's name; else empty."""
    day, _, month = name.partition(" ")
    if day.removesuffix("er").isdecimal() and month in _MONTHS.values():
        return name
    found = _CENTURY_NAME.fullmatch(name)
    return f"{found[1].upper()}{found[2]}{found[3] or ''}" if found else ""


def _japanese(given: Arguments) -> str:
    inner = ", ".join(part for part in (given[2], given[3]) if part)
    return f"{given[1]} ({inner})" if given[1] and inner else given[1] or inner


def _hours(given: Arguments) -> str:
    hours, minutes, seconds = given[1], given[2], given[3]
    units = ((hours, "h"), (minutes, "min" if seconds or not hours else ""), (seconds, "s"))
    return " ".join(f"{number} {unit}".strip() for number, unit in units if number)


FRENCH: dict[str, Renderer] = {
    **named("unité unite nombre nb num monnaie", measure),
    **named("date~de~naissance date~de~naissance- naissance date- date~sport date~rapide", _date),
    **named("date~de~décès date~de~décès- décès date~républicaine", _birth_or_death),
    **named("s- -s- -s siècle", century),
    **named("s2 s2- -s2-", _centuries("et")),
    **named("sp sp- -sp-", _from_century_to),
    **named("mill mill- millénaire", lambda given: f"{_ordinal(given[1])} millénaire"),
    **named("années années-", prefixed("années ")),
    **named("av~jc avjc av.~j.-c.", constant("av. J.-C.")),
    **named("ap~jc apr~jc apjc apr.~j.-c.", constant("apr. J.-C.")),
    **named("lien lien~interwiki lien~langue", either("texte", "fr", 1, "trad")),
    **named(
        """référence~souhaitée référence~nécessaire référence~insuffisante référence~incomplète
        refnec refsou citation~nécessaire quoi non~neutre évasif pas~clair passage~à~actualiser
        source~insuffisante vérifier citation~bloc corriger petit petites~capitales pc
        abréviation abréviation~discrète abrév abréviations insécable unité~insécable taille
        titre~en~colonne souligner souligné surligner graphie passage~non~neutre""",
        argument(1),
    ),
    **named("citation~étrangère citation~en~langue", language_text),
    **named("langue", language_text),
    **named("citation~courte guillemets", quoted("«", " »")),
    **named("japonais coréen", _japanese),
    **named("heure durée", _hours),
    **named("tmp température", measure),
    "er": constant("er"),
    "ère": constant("re"),
    "re": constant("re"),
    "ème": constant("e"),
    "eme": constant("e"),
    "nd": constant("nd"),
    "nde": constant("nde"),
    "1er": before("1er"),
    "1re": before("1re"),
    **named("numéro n°", before("no")),
    "nos": before("nos"),
    "mme": before("Mme"),
    "mmes": before("Mmes"),
    "mlle": before("Mlle"),
    "m.": before("M."),
    "mm.": before("MM."),
    "mgr": before("Mgr"),
    "me": before("Me"),
    "dr": before("Dr"),
    "pr": before("Pr"),
    "st": before("St"),
    "ste": before("Ste"),
    "p.": before("p."),
    "vol.": before("vol."),
    "op.": before("op."),
    "chap.": before("chap."),
    "art.": before("art."),
    "°c": constant("°C"),
    "exp": lambda given: f"^{given[1]}" if given[1].lstrip("-−").isdecimal() else given[1] or "e",
    "ind": argument(1),
    "fchim": lambda given: "".join(given.given),
    **named("refa réf sources~secondaires", nothing),
}
