"""Errors as JSON with a status and a message, never a stack trace."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from wikirank.errors import IndexConnectionError, InvalidArgumentError, WikirankError


def failure(status: int, message: str) -> JSONResponse:
    """An `ErrorResponse` as the answer to a request."""
    return JSONResponse({"status": status, "message": message}, status_code=status)


def add_error_handlers(app: FastAPI) -> None:
    """Answer with `ErrorResponse` whatever goes wrong in an application."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(WikirankError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    parts = [
        f"{'.'.join(map(str, fault['loc'][1:])) or 'body'}: {fault['msg']}"
        for fault in error.errors()
    ]
    return failure(422, "; ".join(parts))


async def _ours(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, InvalidArgumentError):
        return failure(400, str(error))
    return failure(503 if isinstance(error, IndexConnectionError) else 500, str(error))


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answer = failure(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(_: Request, _error: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer, so that it lands in the server's log.
    return failure(500, "Something went wrong here. The log of `wikirank serve` says what.")
