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
    drop,
    either,
    language_text,
    measure,
    named,
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
_date_in_words = date_in_words(_MONTHS)


def french_date(args: Arguments) -> str:
    """`{{date|17|octobre|1973}}`, also without the day or in one argument."""
    day = args[1]
    if day in ("1", "01"):
        return _date_in_words(Arguments(("1er", *args.positional[1:]), args.named))
    return _date_in_words(args)


def _birth_or_death(args: Arguments) -> str:
    """Write the first three arguments. Further ones name a field or repeat the date of birth."""
    return french_date(Arguments(args.positional[:3], args.named))


def is_french_date(args: Arguments) -> bool:
    """Return whether the arguments are a day, a month and a year, in that order."""
    day, month, year = args[1], args[2], args[3]
    if day and not day.rstrip("er").isdecimal():
        return False
    french = month.lower() in _MONTHS.values()
    return french or (bool(day) and len(day) <= 2 and month.isdecimal() and len(year) > 2)


def century(args: Arguments) -> str:
    """Write a century in words: `{{s-|XIX}}`, `{{s|Ier|av. J.-C.}}`."""
    numeral, *rest = args.filled or [""]
    suffix = next((part for part in rest if _ORDINAL.fullmatch(part)), "")
    rest = [part for part in rest if not _ORDINAL.fullmatch(part)]
    return " ".join([_ordinal(numeral, suffix), "siècle", *rest])


def _ordinal(numeral: str, suffix: str = "") -> str:
    if not ROMAN.fullmatch(numeral):
        return numeral
    return numeral + (suffix or ("er" if numeral.upper() == "I" else "e"))


def _centuries(word: str) -> Renderer:
    """Render two centuries with a word between them: `{{s2-|XIX|XX}}`."""

    def render(args: Arguments) -> str:
        numerals = [part for part in args.filled if ROMAN.fullmatch(part)]
        if len(numerals) < 2:
            return century(args)
        return f"{_ordinal(numerals[0])} {word} {_ordinal(numerals[1])} siècles"

    return render


def _from_century_to(args: Arguments) -> str:
    """`{{sp-|XIX|e|au|XX|e|s}}`."""
    parts = [part for part in args.filled if not _ORDINAL.fullmatch(part) and part != "s"]
    words = [_ordinal(part) if ROMAN.fullmatch(part) else part for part in parts]
    return f"{' '.join(words)} siècle"


def french_text_from_name(name: str) -> str:
    """Return the text of `{{XIXe siècle}}` or `{{1er mai}}`; empty for other names."""
    day, _, month = name.partition(" ")
    if day.removesuffix("er").isdecimal() and month in _MONTHS.values():
        return name
    match = _CENTURY_NAME.fullmatch(name)
    return f"{match[1].upper()}{match[2]}{match[3] or ''}" if match else ""


def _japanese(args: Arguments) -> str:
    inner = ", ".join(part for part in (args[2], args[3]) if part)
    return f"{args[1]} ({inner})" if args[1] and inner else args[1] or inner


def _hours(args: Arguments) -> str:
    hours, minutes, seconds = args[1], args[2], args[3]
    units = ((hours, "h"), (minutes, "min" if seconds or not hours else ""), (seconds, "s"))
    return " ".join(f"{number} {unit}".strip() for number, unit in units if number)


FRENCH: dict[str, Renderer] = {
    **named("unité unite nombre nb num monnaie", measure),
    **named(
        "date~de~naissance date~de~naissance- naissance date- date~sport date~rapide", french_date
    ),
    **named("date~de~décès date~de~décès- décès date~républicaine", _birth_or_death),
    **named("s- -s- -s siècle", century),
    **named("s2 s2- -s2-", _centuries("et")),
    **named("sp sp- -sp-", _from_century_to),
    **named("mill mill- millénaire", lambda args: f"{_ordinal(args[1])} millénaire"),
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
    "exp": lambda args: f"^{args[1]}" if args[1].lstrip("-−").isdecimal() else args[1] or "e",
    "ind": argument(1),
    "fchim": lambda args: "".join(args.filled),
    **named("refa réf sources~secondaires", drop),
}
