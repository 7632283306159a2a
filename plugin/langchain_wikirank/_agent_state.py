"""What `WikiContextMiddleware` keeps in the state of an agent; needs the extra `agents`."""

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
        "WikiContextMiddleware needs the package langchain, from 1.0, which is not installed: "
        'pip install "langchain-wikirank[agents]"'
    )
    raise MissingExtraError(msg) from err


class WikiContextState(AgentState[Any]):
    """The state of an agent with wiki context; plain JSON, so that any checkpointer keeps it.

    Attributes:
        wiki_documents: The passages added in the last turn, best first, each with its number under
            `citation` in its metadata; `Document(**record)` makes it a document again.
        wiki_context: The middleware's own.
    """

    wiki_documents: NotRequired[Annotated[list[PassageRecord], OmitFromSchema(output=False)]]
    wiki_context: NotRequired[Annotated[Turn, PrivateStateAttr]]
