"""The options of `wikirank index` that say what to take of a MediaWiki, and who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from wikirank.errors import InvalidArgumentError

_WIKI = "Of a MediaWiki"

TitlesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--titles",
        metavar="A|B or @FILE",
        help="Only these pages; a file has one title a line. Repeatable.",
        rich_help_panel=_WIKI,
    ),
]
CategoryOption = Annotated[
    str | None, typer.Option(help="Only the pages of this category.", rich_help_panel=_WIKI)
]
DepthOption = Annotated[
    int | None,
    typer.Option(
        min=0, help="With --category: levels of subcategories. [default: 0]", rich_help_panel=_WIKI
    ),
]
NamespaceOption = Annotated[
    list[int] | None,
    typer.Option(
        "--namespace",
        help="Number of a namespace to take, of an export too. Repeatable. [default: 0]",
        rich_help_panel=_WIKI,
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="last|DATE",
        help="Only what changed since the `last` run, or since a date such as 2026-11-01.",
        rich_help_panel=_WIKI,
    ),
]
TextOption = Annotated[
    Literal["rendered", "wikitext"] | None,
    typer.Option(
        "--text",
        help="`rendered`: as the wiki shows a page, a request each (default). `wikitext`: fifty a"
        " request, but without the text of templates that only the wiki knows.",
        rich_help_panel=_WIKI,
    ),
]
UserOption = Annotated[
    str | None,
    typer.Option(
        help="User of a private wiki, from its Special:BotPasswords; also WIKIRANK_MEDIAWIKI_USER."
        " The password is read from WIKIRANK_MEDIAWIKI_PASSWORD. An OAuth 2 token, instead of both,"
        " from WIKIRANK_MEDIAWIKI_TOKEN.",
        rich_help_panel=_WIKI,
    ),
]
ContactOption = Annotated[
    str | None,
    typer.Option(
        help="Your mail address or page, for the user agent, which public wikis ask for; also"
        " WIKIRANK_CONTACT.",
        rich_help_panel=_WIKI,
    ),
]
AllowHttpOption = Annotated[
    bool,
    typer.Option(
        "--allow-http",
        help="Send password or token unencrypted, over a network that you trust.",
        rich_help_panel=_WIKI,
    ),
]


def refuse_shared_secrets(sources: Sequence[str], user: str | None) -> None:
    """Refuse to show one wiki's password or token to another.

    Args:
        sources: What the command line names.
        user: The value of `--user`.

    Raises:
        InvalidArgumentError: If there are credentials, and several wikis.
    """
    from wikirank.corpus.sources.mediawiki.credentials import find_credentials

    wikis = [source for source in sources if source.lower().startswith(("http://", "https://"))]
    if len(wikis) > 1 and find_credentials(user):
        msg = (
            f"The password or token goes to one wiki, but {len(wikis)} are given: index them one "
            "by one, each with its own."
        )
        raise InvalidArgumentError(msg)


def read_titles(values: Sequence[str] | None) -> tuple[str, ...]:
    """Read the values of `--titles`.

    Args:
        values: Titles with `|` between them, which no title can hold, or `@` and a file's path.

    Returns:
        The titles, none twice.

    Raises:
        InvalidArgumentError: If a file cannot be read, or there are no titles in what is given.
    """
    titles: dict[str, None] = {}
    for value in values or ():
        entries = _lines(Path(value[1:])) if value.startswith("@") else value.split("|")
        titles.update((entry.strip(), None) for entry in entries if entry.strip())
    if values and not titles:
        msg = (
            f"--titles names no title, got {list(values)}: expected A|B, or @ and a file of titles"
        )
        raise InvalidArgumentError(msg)
    return tuple(titles)


def _lines(path: Path) -> list[str]:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        msg = f"--titles @{path} cannot be read ({err}): expected a UTF-8 file, one title a line."
        raise InvalidArgumentError(msg) from err
