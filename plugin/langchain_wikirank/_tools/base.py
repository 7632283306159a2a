"""Making a LangChain tool of a function of arguments and config, errors told to the model."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Annotated, Any, TypeVar

from langchain_core.callbacks import Callbacks
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field, StringConstraints, ValidationError, WithJsonSchema
from pydantic.v1 import ValidationError as ValidationErrorV1

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._evidence.quoting import quoted_text
from langchain_wikirank._tools.library import ToolAnswer
from wikirank.errors import WikirankError

Arguments = TypeVar("Arguments", bound=BaseModel)

_LONGEST_ERROR = 600

_logger = logging.getLogger(__name__)

# A chat model is sent the schemas at every turn: limits that it will hardly ever break, and
# defaults, are left out of them. A call that breaks a limit is answered with what it is.
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    WithJsonSchema({"type": "string"}),
]
"""Text that is not blank."""

TextOrNone = Annotated[str | None, WithJsonSchema({"type": "string"})]
"""Text that the model may leave out."""


def optional_field(description: str) -> Any:
    """A field of arguments that is None where the model leaves it out.

    Args:
        description: What the chat model is told about it.

    Returns:
        The field.
    """
    return Field(default_factory=lambda: None, description=description)


def make_tool(
    name: str,
    description: str,
    schema: type[Arguments],
    run: Callable[[Arguments, RunnableConfig], ToolAnswer],
    arun: Callable[[Arguments, RunnableConfig], Awaitable[ToolAnswer]] | None = None,
) -> BaseTool:
    """Make a tool whose errors come back as messages that say what to do next.

    Args:
        name: What the chat model calls it.
        description: What the chat model is told about it.
        schema: Its arguments.
        run: Does the work, given the arguments and the config for what runs below the tool.
        arun: The same without blocking the event loop; None runs `run` in a worker thread.

    Returns:
        The tool; its artifact is a `WikiToolArtifact`.
    """

    async def in_worker(arguments: Arguments, config: RunnableConfig) -> ToolAnswer:
        return await run_in_worker(run, arguments, config)

    unblocking = arun or in_worker

    def parsed(
        args: tuple[Any, ...], given: dict[str, Any], config: RunnableConfig, callbacks: Callbacks
    ) -> tuple[Arguments, RunnableConfig]:
        # A tool called with a bare string gives it as its one positional argument.
        first = dict(zip(schema.model_fields, args, strict=False))
        return schema(**first, **given), {**config, "callbacks": callbacks}

    def func(
        *args: Any, config: RunnableConfig, callbacks: Callbacks = None, **given: Any
    ) -> ToolAnswer:
        started = perf_counter()
        try:
            return _timed(run(*parsed(args, given, config, callbacks)), started)
        except Exception as err:
            raise _as_tool_error(name, err) from err

    async def coroutine(
        *args: Any, config: RunnableConfig, callbacks: Callbacks = None, **given: Any
    ) -> ToolAnswer:
        started = perf_counter()
        try:
            return _timed(await unblocking(*parsed(args, given, config, callbacks)), started)
        except Exception as err:
            raise _as_tool_error(name, err) from err

    return StructuredTool(
        name=name,
        description=description,
        func=func,
        coroutine=coroutine,
        args_schema=schema,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=lambda err: _wrong_arguments(name, schema, err),
    )


def _timed(found: ToolAnswer, started: float) -> ToolAnswer:
    found[1]["timings"].setdefault("total", (perf_counter() - started) * 1000)
    return found


def _as_tool_error(name: str, err: Exception) -> ToolException:
    """The error as a chat model is told it; what we did not foresee is logged too."""
    if isinstance(err, ToolException):
        return err
    if isinstance(err, WikirankError):
        # It may name what a wiki holds, such as keys of its metadata.
        return ToolException(f"{name} failed: {quoted_text(str(err))[:_LONGEST_ERROR]}")
    _logger.error("%s failed", name, exc_info=err)
    return ToolException(
        f"{name} failed ({type(err).__name__}). Do not repeat the same call: try another one, or "
        "tell the user that the wiki cannot be read now."
    )


def _wrong_arguments(
    name: str, schema: type[BaseModel], err: ValidationError | ValidationErrorV1
) -> str:
    faults = []
    for fault in err.errors():
        argument = ".".join(map(str, fault["loc"])) or "arguments"
        faults.append(f"{argument}: {fault['msg']}.")
    known = ", ".join(schema.model_fields)
    return f"{name} was not run. {' '.join(faults)} Arguments: {known}. Correct them, call again."
