"""Make LangChain tools that report their errors to the chat model."""

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
from langchain_wikirank._tools.library import ToolAnswer, with_thread_id
from wikirank.errors import WikirankError

Arguments = TypeVar("Arguments", bound=BaseModel)

_MAX_ERROR_CHARS = 600
_MAX_NAME_CHARS = 60
_MAX_PROBLEMS = 5

_logger = logging.getLogger(__name__)


def make_tool(
    name: str,
    description: str,
    schema: type[Arguments],
    run: Callable[[Arguments, RunnableConfig], ToolAnswer],
    arun: Callable[[Arguments, RunnableConfig], Awaitable[ToolAnswer]] | None = None,
) -> BaseTool:
    """Make a tool whose errors are messages that tell the chat model what to do next.

    Args:
        name: Tool name for the chat model.
        description: Tool description for the chat model.
        schema: Arguments of the tool.
        run: Does the work, given the arguments and the config for child runs.
        arun: Does it without blocking the event loop; None runs `run` in a worker thread.

    Returns:
        The tool. Its artifact is a `WikiToolArtifact`.
    """

    async def run_in_thread(arguments: Arguments, config: RunnableConfig) -> ToolAnswer:
        return await run_in_worker(run, arguments, config)

    arun = arun or run_in_thread

    def parse(
        args: tuple[Any, ...], call_arguments: dict[str, Any], config: RunnableConfig, runtime: Any
    ) -> tuple[Arguments, RunnableConfig]:
        # A tool called with a bare string gets it as its only positional argument.
        first = dict(zip(schema.model_fields, args, strict=False))
        return schema(**first, **call_arguments), with_thread_id(config, _messages(runtime))

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
            return _with_total_time(run(*parse(args, call_arguments, config, runtime)), started)
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
            answer = await arun(*parse(args, call_arguments, config, runtime))
            return _with_total_time(answer, started)
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
        handle_validation_error=lambda err: _describe_wrong_arguments(name, schema, err),
    )


def _with_total_time(answer: ToolAnswer, started: float) -> ToolAnswer:
    answer[1]["timings"].setdefault("total", (perf_counter() - started) * 1000)
    return answer


def _as_tool_error(name: str, err: Exception) -> ToolException:
    """Return the error for the chat model; unexpected errors are also logged."""
    if isinstance(err, ToolException):
        return err
    if isinstance(err, WikirankError):
        # The message may contain wiki text, such as metadata keys.
        return ToolException(f"{name} failed: {quoted_text(str(err))[:_MAX_ERROR_CHARS]}")
    _logger.error("%s failed", name, exc_info=err)
    return ToolException(
        f"{name} failed ({type(err).__name__}). Do not repeat the same call: try another one, or "
        "tell the user that the wiki cannot be read now."
    )


def _messages(runtime: Any) -> Sequence[Any]:
    """Return the messages of the calling agent; empty outside of a tool node."""
    state = getattr(runtime, "state", None)
    messages = state.get("messages") if isinstance(state, dict) else None
    return messages if isinstance(messages, list) else []


def _describe_wrong_arguments(
    name: str, schema: type[BaseModel], err: ValidationError | ValidationErrorV1
) -> str:
    errors = err.errors()
    problems = []
    for error in errors[:_MAX_PROBLEMS]:
        argument = ".".join(map(str, error["loc"])) or "arguments"
        problems.append(f"{quoted_line(argument)[:_MAX_NAME_CHARS]}: {error['msg']}.")
    if len(errors) > _MAX_PROBLEMS:
        problems.append(f"And {len(errors) - _MAX_PROBLEMS} more.")
    names = ", ".join(schema.model_fields)
    details = " ".join(problems)[:_MAX_ERROR_CHARS]
    return f"{name} was not run. {details} Arguments: {names}. Correct them, call again."
