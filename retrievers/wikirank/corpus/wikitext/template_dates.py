"""Templates for dates and ages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.template_french import french_date, is_french_date
from wikirank.corpus.wikitext.template_german import polish_date
from wikirank.corpus.wikitext.template_romance import portuguese_date

_MONTHS_TEXT = """
January February March April May June July August September October November December
"""
_MONTHS = tuple(_MONTHS_TEXT.split())
_YES = ("y", "yes", "1", "true", "on")
_DAY_FIRST = re.compile(r"([0-9]{1,2}) ([A-Z][a-z]+),? ([0-9]{1,4})")
_MONTH_FIRST = re.compile(r"([A-Z][a-z]+) ([0-9]{1,2}),? ([0-9]{1,4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_FORMATS = ("dmy", "mdy", "iso", "ymd", "my", "none")


def _written_date(year: str, month: str, day: str, *, day_first: bool) -> str:
    """Write a date in words; parts that are not numbers stay unchanged."""
    if month.isdecimal() and 1 <= int(month) <= len(_MONTHS):
        month = _MONTHS[int(month) - 1]
    day = day.lstrip("0")
    if not month:
        return year
    if not day:
        return f"{month} {year}".strip()
    return f"{day} {month} {year}".strip() if day_first else f"{month} {day}, {year}".strip(", ")


def _full_date(args: Arguments) -> str:
    day_first = args.first("df", "dmy") in _YES
    return _written_date(args[1], args[2], args[3], day_first=day_first)


def _as_of(args: Arguments) -> str:
    day_first = args.first("df") in _YES
    date = _written_date(args[1], args[2], args[3], day_first=day_first)
    word = args.first("alt") or f"{'since' if args.first('since') else 'as of'} {date}"
    return word if args.first("lc") in _YES or args.first("alt") else word[0].upper() + word[1:]


def _circa(args: Arguments) -> str:
    return f"c. {'–'.join(args.filled)}".rstrip()


def _table_date(args: Arguments) -> str:
    """`{{dts|2001|5|5}}`, `{{date|5 May 2001|mdy}}`, or in French wikis `{{date|5|mai|2001}}`."""
    *dates, form = [*args.filled, ""]
    if dates and dates[-1].lower() in _FORMATS:
        *dates, form = dates
    form = (form or args.first("format")).lower()
    if len(dates) > 1 and is_french_date(args):
        return french_date(args)
    if len(dates) > 1:
        return _written_date(*(*dates, "", "")[:3], day_first=form == "dmy")
    return _in_format(dates[0] if dates else "", form)


def _in_format(date: str, form: str) -> str:
    """Change the order of a date, in words or like 2001-05-05; other text stays unchanged."""
    if match := _DAY_FIRST.fullmatch(date):
        day, month, year = match.groups()
    elif match := _MONTH_FIRST.fullmatch(date):
        month, day, year = match.groups()
    elif match := _ISO.fullmatch(date):
        year, month, day = match.groups()
        form = form or "dmy"
    else:
        return date
    if form in ("iso", "ymd") and month in _MONTHS:
        return f"{year}-{_MONTHS.index(month) + 1:02d}-{int(day):02d}"
    if form not in ("dmy", "mdy"):
        return date
    return _written_date(year, month, day, day_first=form == "dmy")


def _date_elsewhere(args: Arguments) -> str:
    """`{{data|1973-10-17}}` in Polish wikis, `{{data|17|10|1973}}` in Portuguese wikis."""
    return polish_date(args) if len(args.filled) == 1 else portuguese_date(args)


def _age(args: Arguments) -> str:
    """`{{age|1815|12|10|1852|11|27}}`; with one date it is the age today, like on the wiki."""
    numbers = [int(part) for part in args.filled if part.isdecimal() and len(part) < 5]
    if len(numbers) == 3:
        today = datetime.now(UTC)
        numbers += [today.year, today.month, today.day]
    if len(numbers) < 6:
        return ""
    return str(numbers[3] - numbers[0] - (numbers[4:6] < numbers[1:3]))


def _old_style(args: Arguments) -> str:
    return " ".join(part for part in (args[1], args[2]) if part)


def _years_range(args: Arguments) -> str:
    return "–".join(args.filled[:2])


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
    "death year and age": lambda args: args[1],
    "dda": _full_date,
    "start date": _full_date,
    "start-date": _full_date,
    "start date and age": _full_date,
    "end date": _full_date,
    "film date": _full_date,
    "release date": _full_date,
    "date": _table_date,
    "data": _date_elsewhere,
    "start-date and age": _full_date,
    "end-date": _full_date,
    "start": _full_date,
    "age": _age,
    "age in years": _age,
    "age nts": _age,
    "dts": _table_date,
    "format date": _full_date,
    "as of": _as_of,
    "circa": _circa,
    "c.": _circa,
    "ca.": _circa,
    "oldstyledate": _old_style,
    "old style date": _old_style,
    "year range": _years_range,
    "death year": lambda args: args[1],
    "birth year": lambda args: args[1],
}
