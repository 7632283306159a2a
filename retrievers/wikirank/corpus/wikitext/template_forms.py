"""The forms that templates take, whatever their name: what stands for one, given its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.names import is_language

Renderer = Callable[[Arguments], str]


def argument(number: int) -> Renderer:
    """The positional argument of that number."""
    return lambda args: args[number]


def either(*numbers_or_names: int | str) -> Renderer:
    """The first of the arguments, positional or named, that is not empty."""
    return lambda args: next(
        (
            text
            for one in numbers_or_names
            if (text := args[one] if isinstance(one, int) else args.first(one))
        ),
        "",
    )


def constant(text: str) -> Renderer:
    """The same text always."""
    return lambda _: text


def nothing(_: Arguments) -> str:
    """Drop the template."""
    return ""


def last(args: Arguments) -> str:
    """The last positional argument."""
    return args.filled[-1] if args.filled else ""


def joined(separator: str) -> Renderer:
    """All positional arguments."""
    return lambda args: separator.join(args.filled)


def prefixed(prefix: str, number: int = 1) -> Renderer:
    """An argument after a text; nothing without the argument."""
    return lambda args: f"{prefix}{args[number]}" if args[number] else ""


def suffixed(suffix: str, number: int = 1) -> Renderer:
    """An argument before a text; nothing without the argument."""
    return lambda args: f"{args[number]}{suffix}" if args[number] else ""


def before(word: str) -> Renderer:
    """A word, and the arguments after it if there are any: `{{Mme|Curie}}`."""
    return lambda args: " ".join([word, *args.filled])


def fallback(default: str) -> Renderer:
    """The first positional argument, or a text without it."""
    return lambda args: args[1] or default


def quoted(opening: str, closing: str) -> Renderer:
    """The first positional argument or the text, in quotation marks."""

    def render(args: Arguments) -> str:
        text = args[1] or args.first("texte", "texto", "text", "citation")
        return f"{opening}{text}{closing}" if text else ""

    return render


def language_text(args: Arguments) -> str:
    """The text of `{{lang|fr|text}}`, where the first argument is a language."""
    text = args.first("text", "texte", "texto", "testo")
    return text or (args[2] if args[2] and is_language(args[1]) else args[2] or args[1])


def measure(args: Arguments) -> str:
    """A number with its unit, and the unit's power: `{{unité|5|km|2}}`."""
    number, *units = (part.strip() for part in args.positional) if args.positional else ("",)
    text = ""
    for unit in units:
        power = unit.lstrip("+-−").isdecimal() and text
        text += unit if power or not text or not unit else f" {unit}"
    return f"{number} {text}".strip()


def words(names: str) -> tuple[str, ...]:
    """Names between white space; `~` stands for a space."""
    return tuple(name.replace("~", " ") for name in names.split())


def named(names: str, renderer: Renderer) -> dict[str, Renderer]:
    """The same renderer under several names; `~` stands for a space."""
    return dict.fromkeys(words(names), renderer)


def written_months(text: str) -> dict[str, str]:
    """The names of the months by number, `1` to `12`."""
    return {str(number): month for number, month in enumerate(text.split(), 1)}


def date_in_words(
    months: Mapping[str, str], form: str = "{day} {month} {year}", *, year_first: bool = False
) -> Renderer:
    """A date of three arguments, day first or year first; other arguments are left out.

    Args:
        months: Names of the months by number.
        form: How the parts are put together.
        year_first: Whether the year comes first where a number does not tell.

    Returns:
        The renderer.
    """

    def render(args: Arguments) -> str:
        parts = [text for text in args.filled[:3] if text]
        if len(parts) < 3:
            return " ".join(parts)
        starts_with_year = len(parts[0]) > 2 if parts[0].isdecimal() else year_first
        year, month, day = parts if starts_with_year else reversed(parts)
        month = months.get(month.lstrip("0"), month)
        return form.format(day=day.removeprefix("0"), month=month, year=year)

    return render
