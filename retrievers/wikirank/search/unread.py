"""Questions in a language that the models do not read: answered by words, and said so."""

from __future__ import annotations

from dataclasses import dataclass

from wikirank.index.languages import ENGLISH, NAMES, language_of_question


@dataclass(frozen=True, slots=True)
class UnreadLanguage:
    """A language that a search did without a model for.

    Attributes:
        language: A code such as `de`.
        by_embedder: Whether the embedder does not read it.
        by_reranker: Whether the cross-encoder does not.
    """

    language: str
    by_embedder: bool
    by_reranker: bool

    @property
    def note(self) -> str:
        """What to tell a person, in one line."""
        name = NAMES.get(self.language, "another language")
        if self.by_reranker and self.by_embedder:
            order = "passages are in the order of the words that they share with it"
        elif self.by_reranker:
            order = "passages are in the order of first-stage retrieval"
        else:
            order = "passages are found by the words that they share with it"
        return f"The models read English, not the language of this question ({name}): {order}."


def unread_language(
    query: str,
    embedder_languages: tuple[str, ...] | None,
    reranker_languages: tuple[str, ...] | None,
) -> UnreadLanguage | None:
    """What the models do not read of a question; None if they read it.

    Args:
        query: The question.
        embedder_languages: The languages that the embedder reads; None if it has no part in the
            search, or nobody knows.
        reranker_languages: Likewise of the cross-encoder.

    Returns:
        The language, and which of the two does not read it.
    """
    if embedder_languages is None and reranker_languages is None:
        return None
    language = language_of_question(query)
    by_embedder = embedder_languages is not None and language not in embedder_languages
    by_reranker = reranker_languages is not None and language not in reranker_languages
    if language == ENGLISH or not (by_embedder or by_reranker):
        return None
    return UnreadLanguage(language, by_embedder, by_reranker)
