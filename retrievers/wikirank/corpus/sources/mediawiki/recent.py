"""Find the pages that changed since a time, by the wiki's recent changes."""

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
from wikirank.corpus.sources.mediawiki.pages import TITLES_AT_ONCE, Page, find_titles, titles_using
from wikirank.errors import InvalidArgumentError

_TRANSCLUDED = frozenset({10, 828})  # templates and modules
# A change may be recorded some time after its timestamp.
_OVERLAP = timedelta(minutes=10)
# Fields with the title of the other page of a log entry.
_OTHER_TITLES = ("target_title", "dest_title")


def parse_time(text: str) -> datetime:
    """Parse a date, or a date and time.

    Args:
        text: For example `2026-11-01` or `2026-11-01T12:00:00Z`; UTC if it has no time zone.

    Returns:
        The time, in UTC.

    Raises:
        InvalidArgumentError: If the text is not in ISO 8601.
    """
    try:
        time = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as err:
        msg = (
            f"Expected `last`, or a time such as 2026-11-01 or 2026-11-01T12:00:00Z, got {text!r}."
        )
        raise InvalidArgumentError(msg) from err
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return time.astimezone(UTC)


def has_changes_since(client: ApiClient, since: datetime) -> bool:
    """Whether the recent changes, which a wiki keeps for some weeks, go back to a time."""
    answer = client.call(
        action="query", list="recentchanges", rcprop="timestamp", rcdir="newer", rclimit="1"
    )
    oldest = entries(answer, "query", "recentchanges")
    return bool(oldest) and _time_of(oldest[0]) <= since


def _time_of(change: Fields) -> datetime:
    try:
        return parse_time(text(change, "timestamp"))
    except InvalidArgumentError as err:
        raise malformed(change["timestamp"], "timestamp", "a time") from err


def changed_pages(
    client: ApiClient, known: Known, since: datetime, namespaces: Sequence[int]
) -> Iterator[Page]:
    """Find the pages that changed since a time.

    Args:
        client: Client of the wiki.
        known: What the index holds of the wiki.
        since: Start of the changes.
        namespaces: Numbers of the namespaces to read.

    Yields:
        Each page once: pages that were edited, created, moved or restored, that use an edited
        template, or whose redirects changed. Deleted and renamed pages are yielded as pages that
        do not exist or are redirects.
    """
    seen: set[str] = set()
    targets: set[str] = set()
    no_articles: list[str] = []
    for titles in chunks(changed_titles(client, since, namespaces), TITLES_AT_ONCE):
        result = find_titles(client, titles)
        seen.update(page.title for page in result.pages)
        targets.update(result.targets)
        no_articles += [page.title for page in result.pages if not page.exists or page.is_redirect]
        yield from result.pages
    # A new or deleted redirect changes the aliases of its target.
    targets.update(known.titles_with_alias(no_articles))
    for titles in chunks(sorted(targets - seen), TITLES_AT_ONCE):
        yield from find_titles(client, titles).pages


def changed_titles(client: ApiClient, since: datetime, namespaces: Sequence[int]) -> Iterator[str]:
    """Find titles that were edited, created, moved, deleted or restored, or use such a template.

    Args:
        client: Client of the wiki.
        since: Start of the changes.
        namespaces: Numbers of the namespaces to read.

    Yields:
        The titles, each once; some may not exist any more.
    """
    seen: set[str] = set()
    for title, namespace in _changes(client, since):
        if title in seen:
            continue
        seen.add(title)
        if namespace in namespaces or namespace is None:
            yield title
        if namespace in _TRANSCLUDED:
            for using_title in titles_using(client, title, namespaces):
                if using_title not in seen:
                    seen.add(using_title)
                    yield using_title


def _changes(client: ApiClient, since: datetime) -> Iterator[tuple[str, int | None]]:
    """Yield titles and namespaces in the recent changes, the newest first."""
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
