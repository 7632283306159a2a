"""Add and delete documents with the methods of LangChain's vector stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from langchain_core.documents import Document

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import documents_from_texts, drop_blank, passages_from_documents

if TYPE_CHECKING:
    from wikirank.index import WikiIndex


class DocumentWriting:
    """Methods of a retriever that write to its index."""

    if TYPE_CHECKING:
        index: WikiIndex

    def add_documents(
        self, documents: Iterable[Document], *, ids: Sequence[str] | None = None
    ) -> list[str]:
        """Add documents to the index. Documents with existing ids replace the old ones.

        Args:
            documents: The documents. Those without text are skipped with a logged warning.
            ids: One id per document. None uses their own ids, or derives ids from the content.

        Returns:
            The ids of the added documents, in the same order.

        Raises:
            InvalidArgumentError: If two documents have the same id, metadata cannot be written as
                JSON, or the number of ids differs from that of documents.
            IndexLockedError: If another process is writing to the index.
        """
        copies = list(documents)
        if ids is not None:
            metadatas = [document.metadata for document in copies]
            copies = documents_from_texts([d.page_content for d in copies], metadatas, ids)
        passages = passages_from_documents(drop_blank(copies), self.index.store)
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
            ids: Ids of the documents. Unknown ids are ignored.

        Returns:
            Whether the index had all of them.

        Raises:
            IndexLockedError: If another process is writing to the index.
        """
        unique = list(dict.fromkeys([ids] if isinstance(ids, str) else ids))
        return self.index.remove_passages(unique) == len(unique)

    async def adelete(self, ids: Sequence[str]) -> bool:
        """Remove documents without blocking the event loop; see `delete`."""
        return await run_in_worker(self.delete, ids)
