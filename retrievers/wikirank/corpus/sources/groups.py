"""Articles by the dozen, as they travel between processes: enough for a second of embedding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wikirank.corpus.sources.parts import Part, RawArticle, RawSource
from wikirank.errors import CorpusError, WikirankError
from wikirank.types import Article

if TYPE_CHECKING:
    from wikirank.corpus.sources import Source

GROUP_CHARACTERS = 2**17
"""Of a group, without its last article. About 250 passages, a second's work for a core: few lie
in memory at a time, and little is done twice where a worker dies."""
_ARTICLES = 128


@dataclass(frozen=True, slots=True)
class ReadGroup:
    """Articles that follow one another in a source, as it was read.

    Attributes:
        items: Articles, or what a `RawSource` makes them of.
        skipped: At the end of a part, the pages passed over in it, by reason.
        fault: Why the reading ended here; None if it did not.
    """

    items: Sequence[Article | RawArticle]
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: WikirankError | None = None

    @property
    def characters(self) -> int:
        """Length of all texts."""
        return sum(len(item.text) for item in self.items)


def read_groups(
    part: Part | Source, items: Iterable[Article | RawArticle] | None = None
) -> Iterator[ReadGroup]:
    """Read a part of a source, or a source as a whole.

    Args:
        part: What to read.
        items: What is left of it, where its reading has begun; None for all.

    Yields:
        Its articles; an error of the source is the last group's `fault`.
    """
    found: list[Article | RawArticle] = []
    characters = 0
    fault: CorpusError | None = None
    if items is None:
        items = part.raw() if isinstance(part, RawSource) else part
    try:
        for item in items:
            found.append(item)
            characters += len(item.text)
            if characters >= GROUP_CHARACTERS or len(found) == _ARTICLES:
                yield ReadGroup(found)
                found, characters = [], 0
    except CorpusError as err:
        fault = err
    yield ReadGroup(found, dict(part.skipped), fault)
