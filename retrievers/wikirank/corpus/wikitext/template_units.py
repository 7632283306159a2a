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
    """`{{val|1.5|0.2|e=3|u=m}}`, `{{val|1.5|+0.2|-0.1}}`, `{{val|1.5|(2)}}`."""
    text, power = given[1], given.first("e")
    if given[3]:
        text += _signed(given[2], "+") + _signed(given[3], "−")
    elif given[2]:
        text += given[2] if given[2].startswith("(") else f"±{given[2].lstrip('±')}"
    if power:
        text = f"({text})×10^{power}" if given[2][:1] not in ("", "(") else f"{text}×10^{power}"
    unit, per = given.first("u", "ul"), given.first("up", "upl")
    unit = f"{unit}/{per}" if per else unit
    return f"{given.first('p')}{text}{given.first('s')} {unit}".strip()


def _signed(text: str, sign: str) -> str:
    return (text if text[:1] in "+-−" else sign + text).replace("-", "−")


def _percentage(given: Arguments) -> str:
    """`{{percentage|1|3|2}}`: the share, to so many decimals."""
    whole = _number(given[2]) or 100.0
    part = _number(given[1])
    if part is None:
        return f"{given[1]}/{given[2]}"
    decimals = int(given[3]) if given[3].isdecimal() and len(given[3]) == 1 else 0
    return f"{100 * part / whole:.{decimals}f}%"


def _rounded(given: Arguments) -> str:
    number = _number(given[1])
    decimals = int(given[2]) if given[2].isdecimal() and len(given[2]) == 1 else 0
    return given[1] if number is None else f"{number:,.{decimals}f}"


def _number(text: str) -> float | None:
    text = text.replace(",", "").replace("−", "-")
    return float(text) if _is_number(text) and len(text) < 20 else None


def _ordinal(given: Arguments) -> str:
    text = given[1]
    if not text.isdecimal():
        return text
    teens = text[-2:] in ("11", "12", "13")
    return text + ("th" if teens else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th"))


def _duration(given: Arguments) -> str:
    """`{{duration|m=3|s=20}}`: 3:20."""
    parts = [given.first(unit) or given[at] for at, unit in enumerate("hms", 1)]
    shown = [part for part in parts if part]
    return ":".join([*shown[:1], *(part.zfill(2) for part in shown[1:])])


def _grouped(given: Arguments) -> str:
    text = given[1]
    return f"{int(text):,}" if text.isdecimal() and len(text) < 30 else text


def _fraction(given: Arguments) -> str:
    parts = given.given
    if not parts:
        return "/"
    if len(parts) == 1:
        return f"1/{parts[0]}"
    return f"{parts[0]}/{parts[1]}" if len(parts) == 2 else f"{parts[0]} {parts[1]}/{parts[2]}"


def _power(given: Arguments) -> str:
    # Without an exponent it is the French ending of an ordinal.
    return f"×10^{given[1]}" if given[1] else "e"


def _raised(given: Arguments) -> str:
    sign = "^" if given[1].lstrip("+-−").isalnum() and len(given[1]) < 4 else ""
    return sign + given[1]


def _angle(given: Arguments) -> str:
    return "".join(f"{part}{sign}" for part, sign in zip(given.given, "°′″", strict=False))


def _inflated(given: Arguments) -> str:
    """`{{inflation|US|3000|1990}}`: the amount and its year; what it is now changes yearly."""
    return f"{given[2]} ({given[3]})" if given[3] else given[2]


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
    "ordinal": _ordinal,
    "ordinal to word": _ordinal,
    "percentage": _percentage,
    "percent": _percentage,
    "pct": _percentage,
    "inflation": _inflated,
    "round": _rounded,
    "rnd": _rounded,
    "rounddown": _rounded,
    "duration": _duration,
    "format price": _grouped,
    "formatprice": _grouped,
    "spellnum": lambda given: given[1],
    "number to word": lambda given: given[1],
    "numtext": lambda given: given[1],
    "plural": lambda given: " ".join(given.given[:2]),
    "skew": lambda given: given[1],
}
