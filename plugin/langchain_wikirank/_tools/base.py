"""Making a LangChain tool of a function of arguments and config, errors told to the model."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Annotated, Any, TypeVar

from langchain_core.callbacks import Callbacks
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, ToolException
from pydantic import BaseModel, ValidationError
from pydantic.v1 import ValidationError as ValidationErrorV1

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._evidence.quoting import quoted_line, quoted_text
from langchain_wikirank._tools.library import ToolAnswer, of_conversation
from wikirank.errors import WikirankError

Arguments = TypeVar("Arguments", bound=BaseModel)

_LONGEST_ERROR = 600
_LONGEST_NAME = 60
_MOST_FAULTS = 5

_logger = logging.getLogger(__name__)


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
        args: tuple[Any, ...], call_arguments: dict[str, Any], config: RunnableConfig, runtime: Any
    ) -> tuple[Arguments, RunnableConfig]:
        # A tool called with a bare string gives it as its one positional argument.
        first = dict(zip(schema.model_fields, args, strict=False))
        return schema(**first, **call_arguments), of_conversation(config, _messages(runtime))

    def func(
        *args: Any,
        config: RunnableConfig,
        callbacks: Callbacks = None,
        runtime: Annotated[Any, InjectedToolArg] = None,
        **call_arguments: Any,
    ) -> ToolAnswer:
        started = perf_counter()
        try:
            config = {**config, "callbacks": callbacks}
            return _timed(run(*parsed(args, call_arguments, config, runtime)), started)
        except Exception as err:
            raise _as_tool_error(name, err) from err

    async def coroutine(
        *args: Any,
        config: RunnableConfig,
        callbacks: Callbacks = None,
        runtime: Annotated[Any, InjectedToolArg] = None,
        **call_arguments: Any,
    ) -> ToolAnswer:
        started = perf_counter()
        try:
            config = {**config, "callbacks": callbacks}
            return _timed(await unblocking(*parsed(args, call_arguments, config, runtime)), started)
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


def _timed(answer: ToolAnswer, started: float) -> ToolAnswer:
    answer[1]["timings"].setdefault("total", (perf_counter() - started) * 1000)
    return answer


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


def _messages(runtime: Any) -> Sequence[Any]:
    """The messages of the agent that calls, of which a tool node tells; none elsewhere."""
    state = getattr(runtime, "state", None)
    messages = state.get("messages") if isinstance(state, dict) else None
    return messages if isinstance(messages, list) else []


def _wrong_arguments(
    name: str, schema: type[BaseModel], err: ValidationError | ValidationErrorV1
) -> str:
    errors = err.errors()
    faults = []
    for fault in errors[:_MOST_FAULTS]:
        argument = ".".join(map(str, fault["loc"])) or "arguments"
        faults.append(f"{quoted_line(argument)[:_LONGEST_NAME]}: {fault['msg']}.")
    if len(errors) > _MOST_FAULTS:
        faults.append(f"And {len(errors) - _MOST_FAULTS} more.")
    known = ", ".join(schema.model_fields)
    said = " ".join(faults)[:_LONGEST_ERROR]
    return f"{name} was not run. {said} Arguments: {known}. Correct them, call again."
