"""What travels between the processes: articles by the dozen, enough for a second of embedding."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from wikirank.corpus import Part, RawSource, Source
from wikirank.corpus.sources.parts import RawArticle
from wikirank.errors import CorpusError, WikirankError
from wikirank.index.prepared import PreparedArticle
from wikirank.types import Article

# About 250 passages, a second's work for a core. Few lie in memory at a time, and little is done
# twice where a worker dies.
_CHARACTERS = 2**17
_ARTICLES = 128
_COLUMN = "group"


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


@dataclass(frozen=True, slots=True)
class PreparedGroup:
    """The same articles, ready for the index.

    Attributes:
        articles: The articles.
        skipped: As in `ReadGroup`.
        fault: Likewise.
    """

    articles: Sequence[PreparedArticle]
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: WikirankError | None = None


def read_groups(part: Part | Source) -> Iterator[ReadGroup]:
    """Read a part of a source, or a source as a whole.

    Args:
        part: What to read.

    Yields:
        Its articles; an error of the source is the last group's `fault`.
    """
    items: list[Article | RawArticle] = []
    characters = 0
    fault: CorpusError | None = None
    try:
        for item in part.raw() if isinstance(part, RawSource) else part:
            items.append(item)
            characters += len(item.text)
            if characters >= _CHARACTERS or len(items) == _ARTICLES:
                yield ReadGroup(items)
                items, characters = [], 0
    except CorpusError as err:
        fault = err
    yield ReadGroup(items, dict(part.skipped), fault)


def packed(thing: object) -> pa.Table:
    """A row of a table, which is what Ray Data passes on, that holds one thing."""
    return pa.table({_COLUMN: pa.array([pickle.dumps(thing)], type=pa.large_binary())})


def unpacked(table: pa.Table) -> Iterator[Any]:
    """The things in the rows of a table."""
    return map(pickle.loads, table[_COLUMN].to_pylist())
