"""Templates for measures, numbers and fractions."""

from __future__ import annotations

from collections.abc import Callable

from wikirank.corpus.wikitext.arguments import Arguments

_WRITTEN = {
    "C": "°C",
    "F": "°F",
    "sqmi": "sq mi",
    "sqft": "sq ft",
    "sqkm": "km2",
    "cuft": "cu ft",
    "cuin": "cu in",
    "cumi": "cu mi",
    "impgal": "imp gal",
    "usgal": "US gal",
    "USgal": "US gal",
    "kph": "km/h",
    "km/h": "km/h",
    "lbf": "lbf",
}
_RANGES = {
    "-": "–", "–": "–", "and": " and ", "to": " to ", "or": " or ", "x": " × ", "by": " by ",
    "*": " × ", "+/-": " ± ", "±": " ± ", "to(-)": " to ", "and(-)": " and ", "xx": " × ",
    "to about": " to about ", ",": ", ",
}  # fmt: skip


def _convert(given: Arguments) -> str:
    """The measure as it was given, without what it is converted to."""
    words: list[str] = [given[1]]
    number = 2
    while given[number] in _RANGES and number < len(given.positional):
        words.append(_RANGES[given[number]] + given[number + 1])
        number += 2
    unit = given[number]
    words.append(_with_unit(unit, given))
    # `{{convert|5|ft|10|in}}`: a second number belongs to it if a unit follows.
    more, its_unit = given[number + 1], given[number + 2]
    if _is_number(more) and its_unit and not _is_number(its_unit):
        words.append(f" {more} {_WRITTEN.get(its_unit, its_unit)}")
    return "".join(words)


def _with_unit(unit: str, given: Arguments) -> str:
    written = _WRITTEN.get(unit, unit)
    if not written:
        return ""
    return f"-{written}" if given.first("adj").startswith(("on", "mid")) else f" {written}"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "").lstrip("+-−").isdecimal()


def _value(given: Arguments) -> str:
    text = given[1]
    if given[2]:
        text += f"±{given[2]}" if not given[2].startswith("(") else given[2]
    if given.first("e"):
        text += f"×10^{given.first('e')}"
    unit = given.first("u", "ul")
    return f"{given.first('p')}{text}{given.first('s')} {unit}".strip()


def _fraction(given: Arguments) -> str:
    parts = given.given
    if not parts:
        return "/"
    if len(parts) == 1:
        return f"1/{parts[0]}"
    return f"{parts[0]}/{parts[1]}" if len(parts) == 2 else f"{parts[0]} {parts[1]}/{parts[2]}"


def _power(given: Arguments) -> str:
    return f"×10^{given[1]}" if given[1] else ""


def _raised(given: Arguments) -> str:
    sign = "^" if given[1].lstrip("+-−").isalnum() and len(given[1]) < 4 else ""
    return sign + given[1]


def _angle(given: Arguments) -> str:
    return "".join(f"{part}{sign}" for part, sign in zip(given.given, "°′″", strict=False))


UNITS: dict[str, Callable[[Arguments], str]] = {
    "convert": _convert,
    "cvt": _convert,
    "val": _value,
    "frac": _fraction,
    "sfrac": _fraction,
    "fraction": _fraction,
    "e": _power,
    "esp": _power,
    "sup": _raised,
    "sub": lambda given: given[1],
    "su": lambda given: given.first("p") + given.first("b"),
    "height": lambda given: " ".join(
        f"{given.named[unit]} {unit}" for unit in ("m", "cm", "ft", "in") if given.named.get(unit)
    ),
    "formatnum": lambda given: given[1],
    "nts": lambda given: given[1],
    "number table sorting": lambda given: given[1],
    "pop density": lambda given: " ".join(given.given[:4]),
    "deg2dms": _angle,
    "angle": _angle,
    "ordinal": lambda given: given[1],
    "percentage": lambda given: f"{given[1]}/{given[2]}",
    "skew": lambda given: given[1],
}
