"""What a chat model is told in a question-answering chain."""

from __future__ import annotations

from typing import Any

from langchain_core.prompts import BasePromptTemplate, ChatPromptTemplate, MessagesPlaceholder

from wikirank.errors import InvalidArgumentError

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
        InvalidArgumentError: It lacks a variable that it needs, or asks for an unknown one.
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
