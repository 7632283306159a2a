"""Templates of the German, Dutch and Polish wikis."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.names import is_language
from wikirank.corpus.wikitext.template_forms import (
    Renderer,
    argument,
    before,
    date_in_words,
    drop,
    either,
    language_text,
    measure,
    named,
    written_months,
)

_MONTHS = written_months(
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
)
_DUTCH = written_months(
    "januari februari maart april mei juni juli augustus september oktober november december"
)
_POLISH = written_months(
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada "
    "grudnia"
)
_ISO = re.compile(r"(-?[0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})")
_LEVELS = {
    "de-nhn": "m ü. NHN", "de-nn": "m ü. NN", "de-hn": "m ü. HN", "at": "m ü. A.",
    "ch": "m ü. M.", "it": "m s.l.m.", "fr": "m", "gb": "m ASL",
}  # fmt: skip
_LANGUAGE_NAMES = re.compile(r"([A-Za-z][a-z]{1,2})S")
_german_date = date_in_words(_MONTHS, "{day}. {month} {year}")
_polish_date = date_in_words(_POLISH)


def _date(args: Arguments) -> str:
    """`{{DatumZelle|1867-07-08}}`, `{{JULGREGDATUM|8|7|1867}}`, `{{Datum|8.|Juli|1867}}`."""
    parts = tuple(part.strip().rstrip(".") for part in args.positional[:3])
    if iso := _ISO.fullmatch(parts[0] if parts else ""):
        parts = (iso[3], iso[2], iso[1])
    return _german_date(Arguments(parts, args.named)) if len(parts) > 2 else " ".join(args.filled)


def polish_date(args: Arguments) -> str:
    """`{{data|1973-10-17}}`."""
    iso = _ISO.fullmatch(args[1])
    parts = (iso[3], iso[2], iso[1]) if iso else args.positional[:3]
    return _polish_date(Arguments(parts, args.named))


def _height(args: Arguments) -> str:
    """`{{Höhe|2962|DE-NHN|link=true}}`."""
    return f"{args[1]} {_LEVELS.get(args[2].lower(), 'm')}" if args[1] else ""


def _paragraph(args: Arguments) -> str:
    """`{{§|242|BGB|juris}}`."""
    return " ".join(part for part in ("§", args[1], args[2]) if part)


def _quotation(args: Arguments) -> str:
    text = args.first("text") or args[1]
    credit = ", ".join(
        part for part in (args.first("autor") or args[2], args.first("quelle") or args[3]) if part
    )
    return f"\n{text}\n{f'— {credit}' if credit else ''}\n" if text else ""


def _inline_quotation(args: Arguments) -> str:
    """`{{"|text}}`; a paragraph if it has an author."""
    return _quotation(args) if len(args.filled) > 1 or args.named else f"„{args[1]}“"


def german_language_text(name: str) -> Renderer | None:
    """Return the renderer of language templates such as `{{enS|text}}`; None for others."""
    match = _LANGUAGE_NAMES.fullmatch(name)
    return argument(1) if match and is_language(match[1].lower()) else None


GERMAN: dict[str, Renderer] = {
    **named("höhe hoehe", _height),
    **named("julgregdatum datum datumzelle sortdate geboren gestorben", _date),
    **named("zahl formatzahl keinumbruch keinzeilenumbruch", argument(1)),
    **named("einheit maßeinheit", measure),
    **named("§ §§", _paragraph),
    '"': _inline_quotation,
    **named("zitat zitat-en zitat-fr zitat-la zitat-it zitat-es ", _quotation),
    **named("bibel", lambda args: " ".join(args.filled[:2])),
    **named(
        """polytonisch altgriechisch kapitälchen taste schrift lateinisch hebräisch""",
        argument(1),
    ),
    **named("fn fnz fußnote anmerkung absatz anker 0", drop),
    **named("personendaten metadaten normdaten", drop),
    # Dutch
    **named(
        "datum~en~leeftijd geboortedatum~en~leeftijd geboren~op",
        date_in_words(_DUTCH),
    ),
    **named("afkorting sorteer", argument(1)),
    # Polish
    **named("link-interwiki", either("tekst", 1, "pl")),
    **named("państwo małe małe~kapitaliki fakt nazwa~oryginalna", argument(1)),
    **named("w~języku", language_text),
    "łac.": before("łac."),
    "ang.": before("ang."),
    "niem.": before("niem."),
    "fr.": before("fr."),
    "wł.": before("wł."),
    "hiszp.": before("hiszp."),
    "ros.": before("ros."),
}
