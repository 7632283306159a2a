"""Templates for dates and ages."""

from __future__ import annotations

from collections.abc import Callable

from wikirank.corpus.wikitext.arguments import Arguments

_MONTHS_TEXT = """
January February March April May June July August September October November December
"""
_MONTHS = tuple(_MONTHS_TEXT.split())
_YES = ("y", "yes", "1", "true", "on")


def _written_date(year: str, month: str, day: str, *, day_first: bool) -> str:
    """A date in words; what is no number stays as it is."""
    if month.isdecimal() and 1 <= int(month) <= len(_MONTHS):
        month = _MONTHS[int(month) - 1]
    day = day.lstrip("0")
    if not month:
        return year
    if not day:
        return f"{month} {year}".strip()
    return f"{day} {month} {year}".strip() if day_first else f"{month} {day}, {year}".strip(", ")


def _full_date(given: Arguments) -> str:
    day_first = given.first("df", "dmy") in _YES
    return _written_date(given[1], given[2], given[3], day_first=day_first)


def _as_of(given: Arguments) -> str:
    day_first = given.first("df") in _YES
    date = _written_date(given[1], given[2], given[3], day_first=day_first)
    word = given.first("alt") or f"{'since' if given.first('since') else 'as of'} {date}"
    return word if given.first("lc") in _YES or given.first("alt") else word[0].upper() + word[1:]


def _circa(given: Arguments) -> str:
    return f"c. {'–'.join(given.given)}".rstrip()


def _table_date(given: Arguments) -> str:
    if len(given.given) == 1:
        return given[1]
    return _full_date(given)


def _old_style(given: Arguments) -> str:
    return " ".join(part for part in (given[1], given[2]) if part)


def _years_range(given: Arguments) -> str:
    return "–".join(given.given[:2])


DATES: dict[str, Callable[[Arguments], str]] = {
    "birth date": _full_date,
    "birth-date": _full_date,
    "bda": _full_date,
    "birth date and age": _full_date,
    "birth-date and age": _full_date,
    "birth year and age": _full_date,
    "death date": _full_date,
    "death-date": _full_date,
    "death date and age": _full_date,
    "death-date and age": _full_date,
    "death year and age": lambda given: given[1],
    "dda": _full_date,
    "start date": _full_date,
    "start-date": _full_date,
    "start date and age": _full_date,
    "end date": _full_date,
    "film date": _full_date,
    "release date": _full_date,
    "date": _table_date,
    "dts": _table_date,
    "format date": _full_date,
    "as of": _as_of,
    "circa": _circa,
    "c.": _circa,
    "ca.": _circa,
    "oldstyledate": _old_style,
    "old style date": _old_style,
    "year range": _years_range,
    "death year": lambda given: given[1],
    "birth year": lambda given: given[1],
}
