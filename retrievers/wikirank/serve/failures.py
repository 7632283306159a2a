"""Answer errors as JSON with a status and a message, never with a stack trace."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from wikirank.errors import IndexConnectionError, InvalidArgumentError, WikirankError


def failure(status: int, message: str) -> JSONResponse:
    """Return a response in the form of `ErrorResponse`."""
    return JSONResponse({"status": status, "message": message}, status_code=status)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of an application with `ErrorResponse`."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(WikirankError, _wikirank_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    parts = [
        f"{'.'.join(map(str, fault['loc'][1:])) or 'body'}: {fault['msg']}"
        for fault in error.errors()
    ]
    return failure(422, "; ".join(parts))


async def _wikirank_error(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, InvalidArgumentError):
        return failure(400, str(error))
    return failure(503 if isinstance(error, IndexConnectionError) else 500, str(error))


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = failure(error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _unexpected_error(_: Request, _error: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer, so the server's log has it.
    return failure(500, "The server failed unexpectedly. See the log of `wikirank serve`.")
