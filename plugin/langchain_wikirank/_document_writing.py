"""Adding and deleting documents, in the shape of LangChain's vector stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from langchain_core.documents import Document

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import documents_of_texts, passages_from, with_text

if TYPE_CHECKING:
    from wikirank.index import WikiIndex


class DocumentWriting:
    """The part of a retriever that writes to its index."""

    if TYPE_CHECKING:
        index: WikiIndex

    def add_documents(
        self, documents: Iterable[Document], *, ids: Sequence[str] | None = None
    ) -> list[str]:
        """Add documents to the index, over those of the same ids.

        Args:
            documents: The documents; those without text are skipped, which is logged.
            ids: The id of each; None takes their own, or makes ids from the content.

        Returns:
            The ids of those that the index has now, in the order given.

        Raises:
            InvalidArgumentError: If two documents have one id, or metadata is not JSON.
            IndexLockedError: If something else is writing to the index.
        """
        copies = list(documents)
        if ids is not None:
            metadatas = [document.metadata for document in copies]
            copies = documents_of_texts([d.page_content for d in copies], metadatas, ids)
        passages = passages_from(with_text(copies), self.index.store)
        self.index.add_passages(passages)
        return [passage.id for passage in passages]

    async def aadd_documents(
        self, documents: Iterable[Document], *, ids: Sequence[str] | None = None
    ) -> list[str]:
        """Add documents without blocking the event loop; see `add_documents`."""
        return await run_in_worker(self.add_documents, list(documents), ids=ids)

    def delete(self, ids: Sequence[str]) -> bool:
        """Remove documents from the index.

        Args:
            ids: Their ids; ids that the index does not have are passed over.

        Returns:
            Whether the index had all of them.

        Raises:
            IndexLockedError: If something else is writing to the index.
        """
        unique = list(dict.fromkeys([ids] if isinstance(ids, str) else ids))
        return self.index.remove_passages(unique) == len(unique)

    async def adelete(self, ids: Sequence[str]) -> bool:
        """Remove documents without blocking the event loop; see `delete`."""
        return await run_in_worker(self.delete, ids)
