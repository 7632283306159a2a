"""Renderers shared by many templates: each converts the arguments of a template to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wikirank.corpus.wikitext.arguments import Arguments

Renderer = Callable[[Arguments], str]


def argument(number: int) -> Renderer:
    """Render the positional argument with that number."""
    return lambda args: args[number]


def either(*numbers_or_names: int | str) -> Renderer:
    """Render the first argument, positional or named, that is not empty."""
    return lambda args: next(
        (
            text
            for key in numbers_or_names
            if (text := args[key] if isinstance(key, int) else args.first(key))
        ),
        "",
    )


def constant(text: str) -> Renderer:
    """Render a fixed text."""
    return lambda _: text


def drop(_: Arguments) -> str:
    """Drop the template."""
    return ""


def last(args: Arguments) -> str:
    """Render the last positional argument."""
    return args.filled[-1] if args.filled else ""


def joined(separator: str) -> Renderer:
    """Render all positional arguments, with a separator between them."""
    return lambda args: separator.join(args.filled)


def prefixed(prefix: str, number: int = 1) -> Renderer:
    """Render an argument after a prefix; nothing if the argument is empty."""
    return lambda args: f"{prefix}{args[number]}" if args[number] else ""


def suffixed(suffix: str, number: int = 1) -> Renderer:
    """Render an argument before a suffix; nothing if the argument is empty."""
    return lambda args: f"{args[number]}{suffix}" if args[number] else ""


def before(word: str) -> Renderer:
    """Render a word and, after it, any arguments: `{{Mme|Curie}}`."""
    return lambda args: " ".join([word, *args.filled])


def fallback(default: str) -> Renderer:
    """Render the first positional argument, or a default text if it is empty."""
    return lambda args: args[1] or default


def quoted(opening: str, closing: str) -> Renderer:
    """Render the first positional argument, or the named text, in quotation marks."""

    def render(args: Arguments) -> str:
        text = args[1] or args.first("texte", "texto", "text", "citation")
        return f"{opening}{text}{closing}" if text else ""

    return render


def language_text(args: Arguments) -> str:
    """Render the text of `{{lang|fr|text}}`, whose first argument is a language."""
    return args.first("text", "texte", "texto", "testo") or args[2] or args[1]


def measure(args: Arguments) -> str:
    """Render a number with its unit and the power of the unit: `{{unité|5|km|2}}`."""
    number, *units = (part.strip() for part in args.positional) if args.positional else ("",)
    text = ""
    for unit in units:
        power = unit.lstrip("+-−").isdecimal() and text
        text += unit if power or not text or not unit else f" {unit}"
    return f"{number} {text}".strip()


def words(names: str) -> tuple[str, ...]:
    """Split names at white space; `~` stands for a space inside a name."""
    return tuple(name.replace("~", " ") for name in names.split())


def named(names: str, renderer: Renderer) -> dict[str, Renderer]:
    """Map several names to the same renderer; see `words` for the format of the names."""
    return dict.fromkeys(words(names), renderer)


def written_months(text: str) -> dict[str, str]:
    """Map the numbers `1` to `12` to the names of the months."""
    return dict(zip(map(str, range(1, 13)), text.split(), strict=True))


def date_in_words(
    months: Mapping[str, str], form: str = "{day} {month} {year}", *, year_first: bool = False
) -> Renderer:
    """Render a date of three arguments, in the order day, month, year or year, month, day.

    Args:
        months: Names of the months, see `written_months`.
        form: Format string for the written date.
        year_first: Whether the year comes first if the first argument is not a number.

    Returns:
        The renderer. It ignores all further arguments.
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
