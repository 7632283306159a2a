"""The runnable behind `create_wiki_qa_chain`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from typing_extensions import override

from langchain_wikirank._amount import enough_for_budget
from langchain_wikirank._citations import CitationBook
from langchain_wikirank._cited import CitationReader
from langchain_wikirank._conversation import asked
from langchain_wikirank._evidence import write_evidence
from langchain_wikirank._executor import run_in_worker
from langchain_wikirank._threshold import relevant_documents
from langchain_wikirank._tokens import TokenCounter
from langchain_wikirank.answer import Citation, WikiAnswer, WikiQuestion


@dataclass(slots=True)
class _Prepared:
    """All that is known before the chat model answers."""

    first: WikiAnswer
    variables: dict[str, Any]
    reader: CitationReader
    no_answer: str

    def piece(self, text: str) -> WikiAnswer:
        """What of the answer can be shown after the chat model's next piece."""
        return WikiAnswer(answer=self.reader.feed(text))

    def last(self, before: str) -> WikiAnswer:
        """The end of the answer, after all text before it, and what the whole cites."""
        rest = self.reader.end()
        shown = {document.metadata["citation"]: document for document in self.first.documents}
        return WikiAnswer(
            answer=rest,
            abstained=before + rest == self.no_answer,
            citations=[Citation.of(shown[number]) for number in sorted(self.reader.cited)],
            invented_citations=self.reader.invented,
        )


class WikiQAChain(Runnable[str | WikiQuestion, WikiAnswer]):
    """Rewrites, retrieves, writes the passages out, asks, and reads the citations.

    Args:
        retriever: Finds the documents.
        standalone: From `chat_history` and `question` to a question that stands alone.
        answerer: From `context`, `question`, `no_answer` and `chat_history` to an answer.
        token_budget: Most tokens of the passages.
        min_score: Least relevance score of a passage; None shows all.
        count_tokens: Counts tokens.
        no_answer: The answer where the wiki has none.
    """

    name = "wiki_qa"

    def __init__(
        self,
        retriever: BaseRetriever,
        *,
        standalone: Runnable[dict[str, Any], str],
        answerer: Runnable[dict[str, Any], str],
        token_budget: int,
        min_score: float | None,
        count_tokens: TokenCounter,
        no_answer: str,
    ) -> None:
        self._retriever = retriever
        self._standalone = standalone
        self._answerer = answerer
        self._token_budget = token_budget
        self._min_score = min_score
        self._count_tokens = count_tokens
        self._no_answer = no_answer

    # LangChain hands a config to what names one; its types know only of what names a run manager.

    @override
    def invoke(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> WikiAnswer:
        return self._call_with_config(self._answer, input, config, **kwargs)  # type: ignore[arg-type]

    @override
    async def ainvoke(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> WikiAnswer:
        answered = self._acall_with_config(self._aanswer, input, config, **kwargs)  # type: ignore[arg-type]
        return await answered

    @override
    def stream(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[WikiAnswer]:
        yield from self._transform_stream_with_config(
            iter([input]),
            self._pieces,  # type: ignore[arg-type]
            config,
            **kwargs,
        )

    @override
    async def astream(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[WikiAnswer]:
        pieces = self._atransform_stream_with_config(
            _once(input),
            self._apieces,  # type: ignore[arg-type]
            config,
            **kwargs,
        )
        async for piece in pieces:
            yield piece

    def _answer(
        self, given: str | WikiQuestion, config: RunnableConfig, **search: Any
    ) -> WikiAnswer:
        prepared = self._prepare(given, config, search)
        if prepared.first.abstained:
            return prepared.first
        piece = prepared.piece(self._answerer.invoke(prepared.variables, config))
        return prepared.first + piece + prepared.last(piece.answer)

    async def _aanswer(
        self, given: str | WikiQuestion, config: RunnableConfig, **search: Any
    ) -> WikiAnswer:
        prepared = await self._aprepare(given, config, search)
        if prepared.first.abstained:
            return prepared.first
        piece = prepared.piece(await self._answerer.ainvoke(prepared.variables, config))
        return prepared.first + piece + prepared.last(piece.answer)

    def _pieces(
        self, given: Iterator[str | WikiQuestion], config: RunnableConfig, **search: Any
    ) -> Iterator[WikiAnswer]:
        prepared = self._prepare(next(given), config, search)
        yield prepared.first
        if prepared.first.abstained:
            return
        before = ""
        for text in self._answerer.stream(prepared.variables, config):
            piece = prepared.piece(text)
            if piece.answer:
                before += piece.answer
                yield piece
        yield prepared.last(before)

    async def _apieces(
        self, given: AsyncIterator[str | WikiQuestion], config: RunnableConfig, **search: Any
    ) -> AsyncIterator[WikiAnswer]:
        prepared = await self._aprepare(await anext(given), config, search)
        yield prepared.first
        if prepared.first.abstained:
            return
        before = ""
        async for text in self._answerer.astream(prepared.variables, config):
            piece = prepared.piece(text)
            if piece.answer:
                before += piece.answer
                yield piece
        yield prepared.last(before)

    def _prepare(
        self, given: str | WikiQuestion, config: RunnableConfig, search: dict[str, Any]
    ) -> _Prepared:
        question, history = asked(given)
        if history:
            variables = {"question": question, "chat_history": history}
            question = self._standalone.invoke(variables, config).strip() or question
        settings = enough_for_budget(self._retriever, search)
        found = self._retriever.invoke(question, config, **settings)
        return self._prepared(question, history, found)

    async def _aprepare(
        self, given: str | WikiQuestion, config: RunnableConfig, search: dict[str, Any]
    ) -> _Prepared:
        question, history = asked(given)
        if history:
            variables = {"question": question, "chat_history": history}
            question = (await self._standalone.ainvoke(variables, config)).strip() or question
        settings = enough_for_budget(self._retriever, search)
        found = await self._retriever.ainvoke(question, config, **settings)
        return await run_in_worker(self._prepared, question, history, found)

    def _prepared(
        self, question: str, history: list[BaseMessage], found: Sequence[Document]
    ) -> _Prepared:
        """The passages that are relevant enough, written out; an abstention if none is."""
        evidence = write_evidence(
            relevant_documents(found, self._min_score),
            budget=self._token_budget,
            count_tokens=self._count_tokens,
            citations=CitationBook(),
            may_read=False,
        )
        first = WikiAnswer(question=question, documents=evidence.documents)
        if not evidence.documents:
            first.answer, first.abstained = self._no_answer, True
        variables = {
            "context": evidence.text,
            "question": question,
            "no_answer": self._no_answer,
            "chat_history": history,
        }
        numbers = {document.metadata["citation"] for document in evidence.documents}
        return _Prepared(first, variables, CitationReader(numbers), self._no_answer)


async def _once(value: str | WikiQuestion) -> AsyncIterator[str | WikiQuestion]:
    yield value
