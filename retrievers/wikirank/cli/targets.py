"""Options for what to search: an index, a live MediaWiki, or a ZIM file."""

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

OptionalIndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index.")]
WikiOption = Annotated[
    str | None,
    typer.Option(
        "--wiki", help="Address of a live MediaWiki, to use its search instead of an index."
    ),
]
ZimOption = Annotated[
    Path | None,
    typer.Option("--zim", help="ZIM file, to use its full-text index instead of an index."),
]


def check_one_target(index: Path | None, wiki: str | None, zim: Path | None) -> None:
    """Raise InvalidArgumentError unless there is exactly one target to search."""
    count = sum(target is not None for target in (index, wiki, zim))
    if count != 1:
        msg = f"Expected one of --index, --wiki and --zim, got {count or 'none'}. Give exactly one."
        raise InvalidArgumentError(msg)


@contextmanager
def open_live(wiki: str | None, zim: Path | None) -> Iterator[LiveWiki]:
    """Open a live MediaWiki or a ZIM file.

    Args:
        wiki: Address of a MediaWiki.
        zim: ZIM file; used if there is no address.

    Yields:
        The wiki. It is closed at the end of the block.
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
    """Open a searcher for an index, a live MediaWiki or a ZIM file; exactly one is not None.

    Args:
        index: Folder of an index.
        wiki: Address of a MediaWiki.
        zim: ZIM file with a full-text index.
        cross_encoder: Model to rerank with; None for the searcher's default.

    Yields:
        The searcher. It is closed at the end of the block.
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
