"""The runnable behind `create_wiki_qa_chain`: prompts, input, retrieval and answer."""

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
from langchain_wikirank._evidence.default_k import with_default_k
from langchain_wikirank._evidence.selection import Thresholds
from langchain_wikirank._evidence.tokens import TokenCounter
from langchain_wikirank._evidence.write import write_evidence
from langchain_wikirank._tracing import recorded_searches
from langchain_wikirank.answer import Citation, WikiAnswer, WikiQuestion
from wikirank.errors import InvalidArgumentError
from wikirank.search import SearchResult

NO_ANSWER = "The wiki does not answer this question."
"""Default answer if the wiki has none."""

# The passages go into the human message: text from a wiki must not carry system authority.
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
"""Default prompt; `context` holds the numbered passages."""

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

_REQUIRED_VARIABLES = {"context", "question"}
_ALLOWED_VARIABLES = _REQUIRED_VARIABLES | {"no_answer", "chat_history"}


def checked_prompt(prompt: BasePromptTemplate[Any] | None) -> BasePromptTemplate[Any]:
    """Return the prompt, or the default for None.

    Args:
        prompt: The prompt of the caller, or None.

    Returns:
        The prompt to use.

    Raises:
        InvalidArgumentError: If a required variable is missing or a variable is unknown.
    """
    if prompt is None:
        return ANSWER_PROMPT
    variables = set(prompt.input_variables)
    if _REQUIRED_VARIABLES <= variables <= _ALLOWED_VARIABLES:
        return prompt
    msg = (
        "Expected a prompt with the variables context and question, and optionally no_answer and "
        f"chat_history, got {', '.join(sorted(variables)) or 'none'}. Change the prompt."
    )
    raise InvalidArgumentError(msg)


def parse_input(value: Any) -> tuple[str, list[BaseMessage]]:
    """Parse the input of a question-answering chain.

    Args:
        value: A question, or a mapping with `question` and optionally `chat_history`.

    Returns:
        The stripped question, and the messages of user and model as plain text.

    Raises:
        InvalidArgumentError: If the question is missing or empty, or `chat_history` is not a list
            of messages.
    """
    question: Any = value
    history: Any = []
    if isinstance(value, Mapping):
        question, history = value.get("question"), value.get("chat_history") or []
    if not isinstance(question, str) or not question.strip():
        msg = (
            "Expected a question, as text or as {'question': …, 'chat_history': […]}, "
            f"got {value!r:.200}. Pass a question that is not empty."
        )
        raise InvalidArgumentError(msg)
    return question.strip(), list(_as_plain_text(_messages(history)))


def _messages(history: Any) -> list[BaseMessage]:
    try:
        if isinstance(history, (str, Mapping)) or not isinstance(history, Sequence):
            raise TypeError
        return convert_to_messages(history)
    except (TypeError, ValueError, NotImplementedError) as err:
        msg = (
            "Expected chat_history to be a list of messages, such as ('human', 'Who was Ada?'), "
            f"got {history!r:.200}. Pass messages that LangChain can convert."
        )
        raise InvalidArgumentError(msg) from err


def _as_plain_text(messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Yield user and model messages as plain text; some models reject tool calls."""
    for message in messages:
        text = str(message.text)
        if text.strip() and isinstance(message, (HumanMessage, AIMessage)):
            is_human = isinstance(message, HumanMessage)
            yield HumanMessage(text) if is_human else AIMessage(text)


@dataclass(slots=True)
class _Prepared:
    """The state of a question before the chat model answers."""

    first: WikiAnswer
    variables: dict[str, Any]
    reader: CitationReader
    no_answer: str

    def piece(self, text: str) -> WikiAnswer:
        """Return the next piece of the answer after the chat model wrote some text."""
        return WikiAnswer(answer=self.reader.feed(text))

    def last(self, shown_text: str) -> WikiAnswer:
        """Return the last piece, with the citations, after all text shown so far."""
        rest = self.reader.end()
        shown = {document.metadata["citation"]: document for document in self.first.documents}
        return WikiAnswer(
            answer=rest,
            abstained=shown_text + rest == self.no_answer,
            citations=[Citation.of(shown[number]) for number in sorted(self.reader.cited)],
            invented_citations=self.reader.invented,
        )


class WikiQAChain(Runnable[str | WikiQuestion, WikiAnswer]):
    """Rewrite the question, retrieve passages, ask the chat model and resolve its citations.

    Args:
        retriever: Retrieves the documents.
        standalone: Takes `chat_history` and `question`, returns a question that stands alone.
        answerer: Takes `context`, `question`, `no_answer` and `chat_history`, returns an answer.
        token_budget: Maximum number of tokens of the passages.
        thresholds: Minimum relevance scores.
        count_tokens: Counts the tokens of a text.
        no_answer: The answer if the wiki has none.
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

    # LangChain passes a config to functions with such a parameter, which its types do not say.

    @override
    def invoke(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> WikiAnswer:
        return self._call_with_config(self._answer, input, config, **kwargs)  # type: ignore[arg-type]

    @override
    async def ainvoke(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> WikiAnswer:
        answer = self._acall_with_config(self._aanswer, input, config, **kwargs)  # type: ignore[arg-type]
        return await answer

    @override
    def stream(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[WikiAnswer]:
        yield from self._transform_stream_with_config(
            iter([input]),
            self._stream_answer,  # type: ignore[arg-type]
            config,
            **kwargs,
        )

    @override
    async def astream(
        self, input: str | WikiQuestion, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[WikiAnswer]:
        pieces = self._atransform_stream_with_config(
            _as_stream(input),
            self._astream_answer,  # type: ignore[arg-type]
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

    def _stream_answer(
        self, questions: Iterator[str | WikiQuestion], config: RunnableConfig, **search: Any
    ) -> Iterator[WikiAnswer]:
        prepared = self._prepare(next(questions), config, search)
        yield prepared.first
        if prepared.first.abstained:
            return
        shown_text = ""
        for text in self._answerer.stream(prepared.variables, config):
            piece = prepared.piece(text)
            if piece.answer:
                shown_text += piece.answer
                yield piece
        yield prepared.last(shown_text)

    async def _astream_answer(
        self, questions: AsyncIterator[str | WikiQuestion], config: RunnableConfig, **search: Any
    ) -> AsyncIterator[WikiAnswer]:
        prepared = await self._aprepare(await anext(questions), config, search)
        yield prepared.first
        if prepared.first.abstained:
            return
        shown_text = ""
        async for text in self._answerer.astream(prepared.variables, config):
            piece = prepared.piece(text)
            if piece.answer:
                shown_text += piece.answer
                yield piece
        yield prepared.last(shown_text)

    def _prepare(
        self, value: str | WikiQuestion, config: RunnableConfig, search: dict[str, Any]
    ) -> _Prepared:
        question, history = parse_input(value)
        if history:
            variables = {"question": question, "chat_history": history}
            question = self._standalone.invoke(variables, config).strip() or question
        settings = with_default_k(self._retriever, self._token_budget, search)
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
        settings = with_default_k(self._retriever, self._token_budget, search)
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
        """Write out the relevant passages, or abstain if there are none."""
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


async def _as_stream(value: str | WikiQuestion) -> AsyncIterator[str | WikiQuestion]:
    yield value
