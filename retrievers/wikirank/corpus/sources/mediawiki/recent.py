"""What changed on a wiki since a moment, by its recent changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from wikirank._util import chunks
from wikirank.corpus.source import Known
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.fields import (
    Fields,
    entries,
    malformed,
    number,
    section,
    text,
)
from wikirank.corpus.sources.mediawiki.pages import TITLES_AT_ONCE, Page, find_titles, using
from wikirank.errors import InvalidArgumentError

_TRANSCLUDED = frozenset({10, 828})  # templates and modules
# Changes may be written down a little after the moment they bear.
_OVERLAP = timedelta(minutes=10)
# Where a log's entry names the other page that it is about.
_OTHER_TITLES = ("target_title", "dest_title")


def parse_moment(text: str) -> datetime:
    """Read a date, or a date and time.

    Args:
        text: Such as `2026-11-01` or `2026-11-01T12:00:00Z`; UTC where it does not say.

    Returns:
        The moment, in UTC.

    Raises:
        InvalidArgumentError: If it is neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as err:
        msg = (
            f"Expected `last`, or a moment such as 2026-11-01 or 2026-11-01T12:00:00Z, got {text!r}"
        )
        raise InvalidArgumentError(msg) from err
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def reaches_back(client: ApiClient, since: datetime) -> bool:
    """Whether a wiki's recent changes, which it keeps for some weeks, go back to a moment."""
    answer = client.call(
        action="query", list="recentchanges", rcprop="timestamp", rcdir="newer", rclimit="1"
    )
    oldest = entries(answer, "query", "recentchanges")
    return bool(oldest) and _moment_of(oldest[0]) <= since


def _moment_of(change: Fields) -> datetime:
    try:
        return parse_moment(text(change, "timestamp"))
    except InvalidArgumentError as err:
        raise malformed(change["timestamp"], "timestamp", "a moment") from err


def changed_pages(
    client: ApiClient, known: Known, since: datetime, namespaces: Sequence[int]
) -> Iterator[Page]:
    """The pages that changed since a moment, by whatever title.

    Args:
        client: The wiki's client.
        known: What the index has of the wiki.
        since: From when on.
        namespaces: Numbers of the namespaces whose pages are wanted.

    Yields:
        Each page once: those edited, made, moved here or restored; those whose templates were
        edited; those with other redirects to them than before; and, as pages that do not exist or
        are redirects, those deleted or moved away.
    """
    met: set[str] = set()
    targets: set[str] = set()
    no_articles: list[str] = []
    for titles in chunks(changed_titles(client, since, namespaces), TITLES_AT_ONCE):
        titled = find_titles(client, titles)
        met.update(page.title for page in titled.pages)
        targets.update(titled.targets)
        no_articles += [page.title for page in titled.pages if not page.exists or page.is_redirect]
        yield from titled.pages
    # A redirect that is new or gone changes the aliases of the page that it leads or led to.
    targets.update(known.titles_with_alias(no_articles))
    for titles in chunks(sorted(targets - met), TITLES_AT_ONCE):
        yield from find_titles(client, titles).pages


def changed_titles(client: ApiClient, since: datetime, namespaces: Sequence[int]) -> Iterator[str]:
    """Titles that were edited, made, moved, deleted or restored, or use a template that was.

    Args:
        client: The wiki's client.
        since: From when on.
        namespaces: Numbers of the namespaces whose titles are wanted.

    Yields:
        The titles, each once; some may not exist any more.
    """
    met: set[str] = set()
    for title, namespace in _changes(client, since):
        if title in met:
            continue
        met.add(title)
        if namespace in namespaces or namespace is None:
            yield title
        if namespace in _TRANSCLUDED:
            for user in using(client, title, namespaces):
                if user not in met:
                    met.add(user)
                    yield user


def _changes(client: ApiClient, since: datetime) -> Iterator[tuple[str, int | None]]:
    """Titles and namespaces of all that recent changes name, the newest first."""
    for answer in client.batches(
        list="recentchanges",
        rcprop="title|loginfo",
        rctype="edit|new|log",
        rcend=(since - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ"),
        rclimit="max",
    ):
        for change in entries(answer, "query", "recentchanges"):
            if "title" not in change:  # hidden by an administrator
                continue
            yield text(change, "title"), number(change, "ns")
            details = section(change, "logparams")
            for key in _OTHER_TITLES:
                if isinstance(details.get(key), str):
                    yield details[key], details.get(key.replace("title", "ns"))
