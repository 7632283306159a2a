"""Templates for measures, numbers and fractions."""

from __future__ import annotations

from collections.abc import Callable

from wikirank.corpus.wikitext.arguments import Arguments

_UNIT_SYMBOLS = {
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


def _convert(args: Arguments) -> str:
    """Return the original measure, without the conversion."""
    words: list[str] = [args[1]]
    number = 2
    while args[number] in _RANGES and number < len(args.positional):
        words.append(_RANGES[args[number]] + args[number + 1])
        number += 2
    unit = args[number]
    words.append(_with_unit(unit, args))
    # `{{convert|5|ft|10|in}}`: a second number belongs to the measure if a unit follows.
    second, second_unit = args[number + 1], args[number + 2]
    if _is_number(second) and second_unit and not _is_number(second_unit):
        words.append(f" {second} {_UNIT_SYMBOLS.get(second_unit, second_unit)}")
    return "".join(words)


def _with_unit(unit: str, args: Arguments) -> str:
    symbol = _UNIT_SYMBOLS.get(unit, unit)
    if not symbol:
        return ""
    return f"-{symbol}" if args.first("adj").startswith(("on", "mid")) else f" {symbol}"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "").lstrip("+-−").isdecimal()


def _value(args: Arguments) -> str:
    """`{{val|1.5|0.2|e=3|u=m}}`, `{{val|1.5|+0.2|-0.1}}`, `{{val|1.5|(2)}}`."""
    text, power = args[1], args.first("e")
    if args[3]:
        text += _signed(args[2], "+") + _signed(args[3], "−")
    elif args[2]:
        text += args[2] if args[2].startswith("(") else f"±{args[2].lstrip('±')}"
    if power:
        text = f"({text})×10^{power}" if args[2][:1] not in ("", "(") else f"{text}×10^{power}"
    unit, per = args.first("u", "ul"), args.first("up", "upl")
    unit = f"{unit}/{per}" if per else unit
    return f"{args.first('p')}{text}{args.first('s')} {unit}".strip()


def _signed(text: str, sign: str) -> str:
    return (text if text[:1] in "+-−" else sign + text).replace("-", "−")


def _percentage(args: Arguments) -> str:
    """`{{percentage|1|3|2}}`: part, whole and number of decimals."""
    whole = _number(args[2]) or 100.0
    part = _number(args[1])
    if part is None:
        return f"{args[1]}/{args[2]}"
    decimals = int(args[3]) if args[3].isdecimal() and len(args[3]) == 1 else 0
    return f"{100 * part / whole:.{decimals}f}%"


def _rounded(args: Arguments) -> str:
    number = _number(args[1])
    decimals = int(args[2]) if args[2].isdecimal() and len(args[2]) == 1 else 0
    return args[1] if number is None else f"{number:,.{decimals}f}"


def _number(text: str) -> float | None:
    text = text.replace(",", "").replace("−", "-")
    return float(text) if _is_number(text) and len(text) < 20 else None


def _ordinal(args: Arguments) -> str:
    text = args[1]
    if not text.isdecimal():
        return text
    teens = text[-2:] in ("11", "12", "13")
    return text + ("th" if teens else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th"))


def _duration(args: Arguments) -> str:
    """`{{duration|m=3|s=20}}`: 3:20."""
    parts = [args.first(unit) or args[number] for number, unit in enumerate("hms", 1)]
    shown = [part for part in parts if part]
    return ":".join([*shown[:1], *(part.zfill(2) for part in shown[1:])])


def _grouped(args: Arguments) -> str:
    text = args[1]
    return f"{int(text):,}" if text.isdecimal() and len(text) < 30 else text


def _fraction(args: Arguments) -> str:
    parts = args.filled
    if not parts:
        return "/"
    if len(parts) == 1:
        return f"1/{parts[0]}"
    return f"{parts[0]}/{parts[1]}" if len(parts) == 2 else f"{parts[0]} {parts[1]}/{parts[2]}"


def _power(args: Arguments) -> str:
    # Without an exponent, `{{e}}` is the ending of a French ordinal.
    return f"×10^{args[1]}" if args[1] else "e"


def _raised(args: Arguments) -> str:
    sign = "^" if args[1].lstrip("+-−").isalnum() and len(args[1]) < 4 else ""
    return sign + args[1]


def _angle(args: Arguments) -> str:
    return "".join(f"{part}{sign}" for part, sign in zip(args.filled, "°′″", strict=False))


def _inflated(args: Arguments) -> str:
    """`{{inflation|US|3000|1990}}`: the amount and its year. Its value today changes yearly."""
    return f"{args[2]} ({args[3]})" if args[3] else args[2]


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
    "sub": lambda args: args[1],
    "su": lambda args: args.first("p") + args.first("b"),
    "height": lambda args: " ".join(
        f"{args.named[unit]} {unit}" for unit in ("m", "cm", "ft", "in") if args.named.get(unit)
    ),
    "formatnum": lambda args: args[1],
    "nts": lambda args: args[1],
    "number table sorting": lambda args: args[1],
    "pop density": lambda args: " ".join(args.filled[:4]),
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
    "spellnum": lambda args: args[1],
    "number to word": lambda args: args[1],
    "numtext": lambda args: args[1],
    "plural": lambda args: " ".join(args.filled[:2]),
    "skew": lambda args: args[1],
}
