"""Question answering in one chain: question in, answer with resolved citations out."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import BasePromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable

from langchain_wikirank._evidence.selection import (
    DEFAULT_MIN_SCORE,
    DEFAULT_MIN_TOP_SCORE,
    DEFAULT_TOKEN_BUDGET,
    Thresholds,
)
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._qa_chain import NO_ANSWER, STANDALONE_PROMPT, WikiQAChain, checked_prompt
from langchain_wikirank.answer import WikiAnswer, WikiQuestion


def create_wiki_qa_chain(
    llm: Runnable[LanguageModelInput, BaseMessage],
    retriever: BaseRetriever,
    *,
    token_budget: int = DEFAULT_TOKEN_BUDGET,
    min_score: float | None = DEFAULT_MIN_SCORE,
    min_top_score: float = DEFAULT_MIN_TOP_SCORE,
    count_tokens: Any = None,
    prompt: BasePromptTemplate[Any] | None = None,
    no_answer: str = NO_ANSWER,
) -> Runnable[str | WikiQuestion, WikiAnswer]:
    """Make a chain that answers questions from the wiki with a chat model.

    A question with `chat_history` is first rewritten by the chat model to stand alone. Where no
    passage reaches `min_top_score`, the chain abstains without asking the chat model to answer;
    where the chat model replies with the sentence `no_answer` and nothing else, it abstains as
    well. Numbers cited that no passage has are taken out of the answer and reported.

    `stream` and `astream` yield `WikiAnswer`s that add up to the whole: the first has `question`
    and `documents`, each after it a piece of `answer`, the last `citations`, `abstained` and
    `invented_citations`; where nothing was asked of the chat model there is one, the whole.
    Keywords of a call go to the retriever: `chain.invoke(question, k=3)`. Where neither the call
    nor a `WikiRetriever` sets `k`, the chain asks for as many as can fit `token_budget`,
    which with `min_score` decides what is shown.

    Example:
        ```python
        chain = create_wiki_qa_chain(init_chat_model("openai:gpt-4o-mini"), retriever)
        found = chain.invoke("Who wrote the first algorithm?")
        for citation in found.citations:
            print(citation.number, citation.title, citation.url)
        ```

    Args:
        llm: A chat model; it needs neither tools nor structured output.
        retriever: A `WikiRetriever`, or any other; documents without `relevance_score` count as
            relevant.
        token_budget: Most tokens of the passages in the prompt.
        min_score: Least `relevance_score` of a passage, in [0, 1]; None shows all.
        min_top_score: Least `relevance_score` of the best passage, in [0, 1], for the wiki to
            have an answer at all; of no part where `min_score` is None.
        count_tokens: Counts tokens: a chat model, a tokenizer with `encode`, or a function from
            text to a number; None takes the bundled tokenizer.
        prompt: A prompt of `context` and `question`, and if need be of `no_answer` and
            `chat_history`; None takes one of ours.
        no_answer: The sentence that is the answer where the wiki has none.

    Returns:
        A runnable, sync and async, from a question, as text or as `WikiQuestion`, to its answer.

    Raises:
        InvalidArgumentError: A threshold, `count_tokens` or `prompt` is of no use.
    """
    standalone = STANDALONE_PROMPT | llm | StrOutputParser()
    answerer = checked_prompt(prompt) | llm | StrOutputParser()
    return WikiQAChain(
        retriever,
        standalone=standalone.with_config(run_name="wiki_standalone_question"),
        answerer=answerer.with_config(run_name="wiki_answer"),
        token_budget=token_budget,
        thresholds=Thresholds(min_score, min_top_score),
        count_tokens=token_counter(count_tokens),
        no_answer=no_answer,
    )
