"""Options of `wikirank index` for MediaWiki: which pages to index, and credentials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from wikirank.errors import InvalidArgumentError

_WIKI = "MediaWiki options"

TitlesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--titles",
        metavar="A|B or @FILE",
        help="Index only these pages. A file has one title per line. Repeatable.",
        rich_help_panel=_WIKI,
    ),
]
CategoryOption = Annotated[
    str | None, typer.Option(help="Index only pages of this category.", rich_help_panel=_WIKI)
]
DepthOption = Annotated[
    int | None,
    typer.Option(
        min=0, help="Levels of subcategories, with --category. [default: 0]", rich_help_panel=_WIKI
    ),
]
NamespaceOption = Annotated[
    list[int] | None,
    typer.Option(
        "--namespace",
        help="Number of a namespace to index, also for exports. Repeatable. [default: 0]",
        rich_help_panel=_WIKI,
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="last|DATE",
        help="Index only changes since the `last` run, or since a date such as 2026-11-01.",
        rich_help_panel=_WIKI,
    ),
]
TextOption = Annotated[
    Literal["rendered", "wikitext"] | None,
    typer.Option(
        "--text",
        help="`rendered`: pages as the wiki shows them, one per request. `wikitext`: fifty pages "
        "per request, but without the text of the wiki's own templates. [default: rendered]",
        rich_help_panel=_WIKI,
    ),
]
UserOption = Annotated[
    str | None,
    typer.Option(
        help="User name for a private wiki, from its Special:BotPasswords page; or set "
        "WIKIRANK_MEDIAWIKI_USER. Set the password in WIKIRANK_MEDIAWIKI_PASSWORD. You can set an "
        "OAuth 2 token in WIKIRANK_MEDIAWIKI_TOKEN instead of both.",
        rich_help_panel=_WIKI,
    ),
]
ContactOption = Annotated[
    str | None,
    typer.Option(
        help="Your mail address or web page, sent in the user agent as public wikis ask; or set "
        "WIKIRANK_CONTACT.",
        rich_help_panel=_WIKI,
    ),
]
AllowHttpOption = Annotated[
    bool,
    typer.Option(
        "--allow-http",
        help="Allow sending the password or token unencrypted, over a network that you trust.",
        rich_help_panel=_WIKI,
    ),
]


def refuse_shared_secrets(sources: Sequence[str], user: str | None) -> None:
    """Refuse to send the same password or token to several wikis.

    Args:
        sources: Sources named on the command line.
        user: Value of `--user`.

    Raises:
        InvalidArgumentError: If there are credentials and more than one wiki.
    """
    from wikirank.corpus.sources.mediawiki.credentials import find_credentials

    wikis = [source for source in sources if source.lower().startswith(("http://", "https://"))]
    if len(wikis) > 1 and find_credentials(user):
        msg = (
            f"Expected one wiki for the password or token, got {len(wikis)}. Index them one by "
            "one, each with its own credentials."
        )
        raise InvalidArgumentError(msg)


def read_titles(values: Sequence[str] | None) -> tuple[str, ...]:
    """Parse the values of `--titles`.

    Args:
        values: Titles separated by `|`, which no title can contain, or `@` and the path of a file.

    Returns:
        The titles without duplicates.

    Raises:
        InvalidArgumentError: If a file cannot be read, or the values contain no title.
    """
    titles: dict[str, None] = {}
    for value in values or ():
        entries = _read_lines(Path(value[1:])) if value.startswith("@") else value.split("|")
        titles.update((entry.strip(), None) for entry in entries if entry.strip())
    if values and not titles:
        msg = (
            f"Expected titles in --titles, got {list(values)}. Write A|B, or @ and the path of a "
            "file with one title per line."
        )
        raise InvalidArgumentError(msg)
    return tuple(titles)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        msg = f"Cannot read --titles @{path} ({err}). Give a UTF-8 file with one title per line."
        raise InvalidArgumentError(msg) from err
