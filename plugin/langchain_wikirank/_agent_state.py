"""The agent state of `WikiContextMiddleware`; importing it needs the `agents` extra."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from langchain_wikirank._context import PassageRecord, Turn
from wikirank.errors import MissingExtraError

try:
    from langchain.agents.middleware import AgentState
    from langchain.agents.middleware.types import OmitFromSchema, PrivateStateAttr
except ModuleNotFoundError as err:
    if (err.name or "").partition(".")[0] not in {"langchain", "langgraph"}:
        raise
    msg = (
        "WikiContextMiddleware needs the package langchain, version 1.0 or later, which is not "
        'installed. Run: pip install "langchain-wikirank[agents]"'
    )
    raise MissingExtraError(msg) from err


class WikiContextState(AgentState[Any]):
    """State of an agent with wiki context, as plain JSON that any checkpointer can store.

    Attributes:
        wiki_documents: The passages added in the last turn, best first, with their number in the
            metadata key `citation`. `Document(**record)` turns one into a document.
        wiki_context: Private to the middleware.
    """

    wiki_documents: NotRequired[Annotated[list[PassageRecord], OmitFromSchema(output=False)]]
    wiki_context: NotRequired[Annotated[Turn, PrivateStateAttr]]
