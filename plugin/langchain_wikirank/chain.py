"""A question-answering chain that returns answers with resolved citations."""

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
    """Create a chain that answers questions from the wiki with a chat model.

    If the question comes with `chat_history`, the chat model first rewrites it to stand alone. The
    chain abstains if no passage reaches `min_top_score`, without asking the chat model to answer,
    or if the chat model replies with exactly the sentence `no_answer`. Citation numbers that match
    no passage are removed from the answer and listed in `invented_citations`.

    `stream` and `astream` yield `WikiAnswer` pieces whose sum is the full answer. The first has
    `question` and `documents`, the following ones have parts of `answer`, and the last has
    `citations`, `abstained` and `invented_citations`. If the chat model is not asked, there is only
    one piece.

    Keyword arguments of a call go to the retriever, such as `chain.invoke(question, k=3)`. If
    neither the call nor the retriever sets `k`, the chain retrieves as many passages as fit
    `token_budget`. `min_score` and `token_budget` then decide which of them the chat model reads.

    Example:
        ```python
        chain = create_wiki_qa_chain(init_chat_model("openai:gpt-4o-mini"), retriever)
        found = chain.invoke("Who wrote the first algorithm?")
        for citation in found.citations:
            print(citation.number, citation.title, citation.url)
        ```

    Args:
        llm: A chat model. It needs neither tool calls nor structured output.
        retriever: A `WikiRetriever` or any other retriever. Documents without `relevance_score`
            count as relevant.
        token_budget: Maximum number of tokens of the passages in the prompt.
        min_score: Minimum `relevance_score` of a passage, in [0, 1]; None uses all passages.
        min_top_score: Minimum `relevance_score` of the best passage, in [0, 1]. Below it the chain
            abstains. Ignored if `min_score` is None.
        count_tokens: A chat model, a tokenizer with `encode`, or a function from text to a number
            of tokens; None uses the bundled tokenizer.
        prompt: A prompt with the variables `context` and `question`, optionally `no_answer` and
            `chat_history`; None uses the default prompt.
        no_answer: The answer if the wiki has none.

    Returns:
        A sync and async runnable that takes a question, as text or `WikiQuestion`, and returns a
        `WikiAnswer`.

    Raises:
        InvalidArgumentError: If a threshold is not in [0, 1], `count_tokens` cannot count, or
            `prompt` has the wrong variables.
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
