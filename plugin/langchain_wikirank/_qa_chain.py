"""The runnable behind `create_wiki_qa_chain`: its prompts, the conversation, the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompts import BasePromptTemplate, ChatPromptTemplate, MessagesPlaceholder
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from typing_extensions import override

from langchain_wikirank._async import read_in_worker
from langchain_wikirank._evidence.citations import CitationBook, CitationReader
from langchain_wikirank._evidence.default_k import enough_for_budget
from langchain_wikirank._evidence.selection import Thresholds
from langchain_wikirank._evidence.tokens import TokenCounter
from langchain_wikirank._evidence.write import write_evidence
from langchain_wikirank._tracing import recorded_searches
from langchain_wikirank.answer import Citation, WikiAnswer, WikiQuestion
from wikirank.errors import InvalidArgumentError
from wikirank.search import SearchResult

NO_ANSWER = "The wiki does not answer this question."
"""What an answer consists of where the wiki has none."""

# The passages stand in the human message: nothing that a wiki says belongs in a system message.
ANSWER_PROMPT = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "Answer the question from the numbered wiki passages and from nothing else. Cite each "
            "statement with the number of its passage, like [1]. If the passages do not hold the "
            "answer, reply with exactly this sentence and nothing else: {no_answer}",
        ),
        ("human", "{context}\n\nQuestion: {question}"),
    ]
)
"""The default prompt; `context` is the numbered passages."""

STANDALONE_PROMPT = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "Rewrite the last question of the conversation so that it can be understood without "
            "the rest: name what it refers to. If it stands alone already, repeat it as it is. "
            "Reply with the question only, in its own language; do not answer it.",
        ),
        MessagesPlaceholder("chat_history"),
        ("human", "Question to rewrite: {question}"),
    ]
)

_NEEDED = {"context", "question"}
_GIVEN = _NEEDED | {"no_answer", "chat_history"}


def checked_prompt(prompt: BasePromptTemplate[Any] | None) -> BasePromptTemplate[Any]:
    """The prompt to answer with.

    Args:
        prompt: A prompt of the caller's, or None.

    Returns:
        It, or else the default.

    Raises:
        InvalidArgumentError: If it lacks a variable that it needs, or asks for an unknown one.
    """
    if prompt is None:
        return ANSWER_PROMPT
    variables = set(prompt.input_variables)
    if _NEEDED <= variables <= _GIVEN:
        return prompt
    msg = (
        "Expected a prompt with the variables context and question, and if need be no_answer and "
        f"chat_history, got {', '.join(sorted(variables)) or 'none'}."
    )
    raise InvalidArgumentError(msg)


def parse_input(value: Any) -> tuple[str, list[BaseMessage]]:
    """Read the input of a question-answering chain.

    Args:
        value: A question, or a mapping with `question` and perhaps `chat_history`.

    Returns:
        The question, and what person and model said before it, as text alone.

    Raises:
        InvalidArgumentError: It is neither, the question is empty, or the history is no messages.
    """
    question: Any = value
    history: Any = []
    if isinstance(value, Mapping):
        question, history = value.get("question"), value.get("chat_history") or []
    if not isinstance(question, str) or not question.strip():
        msg = (
            "Expected a question, as text or as {'question': …, 'chat_history': […]}, "
            f"got {value!r:.200}."
        )
        raise InvalidArgumentError(msg)
    return question.strip(), list(_spoken(_messages(history)))


def _messages(history: Any) -> list[BaseMessage]:
    try:
        if isinstance(history, (str, Mapping)) or not isinstance(history, Sequence):
            raise TypeError
        return convert_to_messages(history)
    except (TypeError, ValueError, NotImplementedError) as err:
        msg = (
            "Expected chat_history to be a list of messages, such as ('human', 'Who was Ada?'), "
            f"got {history!r:.200}."
        )
        raise InvalidArgumentError(msg) from err


def _spoken(messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Questions and answers as plain text, without tool calls, which not every model reads."""
    for message in messages:
        text = str(message.text)
        if text.strip() and isinstance(message, (HumanMessage, AIMessage)):
            is_human = isinstance(message, HumanMessage)
            yield HumanMessage(text) if is_human else AIMessage(text)


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
        thresholds: The relevance that passages need.
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
        thresholds: Thresholds,
        count_tokens: TokenCounter,
        no_answer: str,
    ) -> None:
        self._retriever = retriever
        self._standalone = standalone
        self._answerer = answerer
        self._token_budget = token_budget
        self._thresholds = thresholds
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
        self, question: str | WikiQuestion, config: RunnableConfig, **search: Any
    ) -> WikiAnswer:
        prepared = self._prepare(question, config, search)
        if prepared.first.abstained:
            return prepared.first
        piece = prepared.piece(self._answerer.invoke(prepared.variables, config))
        return prepared.first + piece + prepared.last(piece.answer)

    async def _aanswer(
        self, question: str | WikiQuestion, config: RunnableConfig, **search: Any
    ) -> WikiAnswer:
        prepared = await self._aprepare(question, config, search)
        if prepared.first.abstained:
            return prepared.first
        piece = prepared.piece(await self._answerer.ainvoke(prepared.variables, config))
        return prepared.first + piece + prepared.last(piece.answer)

    def _pieces(
        self, questions: Iterator[str | WikiQuestion], config: RunnableConfig, **search: Any
    ) -> Iterator[WikiAnswer]:
        prepared = self._prepare(next(questions), config, search)
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
        self, questions: AsyncIterator[str | WikiQuestion], config: RunnableConfig, **search: Any
    ) -> AsyncIterator[WikiAnswer]:
        prepared = await self._aprepare(await anext(questions), config, search)
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
        self, value: str | WikiQuestion, config: RunnableConfig, search: dict[str, Any]
    ) -> _Prepared:
        question, history = parse_input(value)
        if history:
            variables = {"question": question, "chat_history": history}
            question = self._standalone.invoke(variables, config).strip() or question
        settings = enough_for_budget(self._retriever, self._token_budget, search)
        with recorded_searches() as searches:
            documents = self._retriever.invoke(question, config, **settings)
        return self._prepared(question, history, documents, searches)

    async def _aprepare(
        self, value: str | WikiQuestion, config: RunnableConfig, search: dict[str, Any]
    ) -> _Prepared:
        question, history = parse_input(value)
        if history:
            variables = {"question": question, "chat_history": history}
            question = (await self._standalone.ainvoke(variables, config)).strip() or question
        settings = enough_for_budget(self._retriever, self._token_budget, search)
        with recorded_searches() as searches:
            documents = await self._retriever.ainvoke(question, config, **settings)
        return await read_in_worker(self._prepared, question, history, documents, searches)

    def _prepared(
        self,
        question: str,
        history: list[BaseMessage],
        documents: Sequence[Document],
        searches: Sequence[SearchResult],
    ) -> _Prepared:
        """The passages that are relevant enough, written out; an abstention if none is."""
        evidence = write_evidence(
            self._thresholds.relevant(documents),
            budget=self._token_budget,
            count_tokens=self._count_tokens,
            citations=CitationBook(),
            may_read=False,
        )
        note = searches[-1].note if searches else ""
        first = WikiAnswer(question=question, documents=evidence.documents, note=note)
        if not evidence.documents:
            first.answer = f"No passage was found. {note}" if note else self._no_answer
            first.abstained = True
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
