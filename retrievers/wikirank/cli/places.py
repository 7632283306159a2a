"""The options that say what to ask: an index, a live MediaWiki, or a ZIM file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from wikirank.corpus.live import LiveWiki
    from wikirank.rank import CrossEncoder
    from wikirank.search.pipeline import CandidateReranker

PlaceOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index.")]
WikiOption = Annotated[
    str | None,
    typer.Option(
        "--wiki", help="In place of an index: address of a live MediaWiki, by its own search."
    ),
]
ZimOption = Annotated[
    Path | None, typer.Option("--zim", help="Likewise: a ZIM file with a full-text index.")
]


def check_one_place(index: Path | None, wiki: str | None, zim: Path | None) -> None:
    """Raise InvalidArgumentError unless there is exactly one place to ask."""
    if sum(place is not None for place in (index, wiki, zim)) != 1:
        msg = "Expected one of --index, --wiki and --zim, which say what to ask. Give exactly one."
        raise InvalidArgumentError(msg)


@contextmanager
def open_live(wiki: str | None, zim: Path | None) -> Iterator[LiveWiki]:
    """The wiki without an index that is given.

    Args:
        wiki: Address of a MediaWiki.
        zim: A ZIM file, where no address is given.

    Yields:
        The wiki; closed in the end.
    """
    if wiki is not None:
        from wikirank.corpus.sources.mediawiki.live import LiveMediaWiki

        with LiveMediaWiki(wiki) as live:
            yield live
    elif zim is not None:
        from wikirank.corpus.sources.zim_live import LiveZim

        yield LiveZim(zim)


@contextmanager
def open_searcher(
    index: Path | None, wiki: str | None, zim: Path | None, cross_encoder: CrossEncoder | None
) -> Iterator[CandidateReranker]:
    """What searches the one place that is given.

    Args:
        index: Folder of an index.
        wiki: Address of a MediaWiki.
        zim: A ZIM file.
        cross_encoder: The model that reranks.

    Yields:
        What searches it; closed in the end.
    """
    if index is not None:
        from wikirank.index import WikiIndex
        from wikirank.search import Searcher

        with WikiIndex.open(index) as opened:
            yield Searcher(opened, cross_encoder)
        return
    from wikirank.search.live import LiveSearcher

    with open_live(wiki, zim) as live:
        yield LiveSearcher(live, cross_encoder)
