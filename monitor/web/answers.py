"""JSON answers, and errors as JSON of one shape."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor.state.errors import StateError

log = structlog.get_logger()

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    503: "unavailable",
}


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response that nobody keeps."""
    fresh = {"cache-control": "no-store", **(headers or {})}
    return Response(orjson.dumps(content), status, fresh, "application/json")


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """`{"error": {"code", "message"}}`; the code is a word for programs, the message one for people."""
    code = CODES.get(status, "internal_error" if status >= 500 else "bad_request")  # noqa: PLR2004 - HTTP
    return answer({"error": {"code": code, "message": message}}, status, headers)


async def refused(_request: Request, error: Exception) -> Response:
    """An `HTTPException` as JSON."""
    if not isinstance(error, HTTPException):
        raise error
    return failure(error.status_code, error.detail, dict(error.headers or {}))


async def stateless(_request: Request, error: Exception) -> Response:
    """The state file cannot be read now."""
    log.warning("request failed", reason=str(error))
    return failure(503, str(error) if isinstance(error, StateError) else "the state cannot be read")


async def broken(request: Request, error: Exception) -> Response:
    """Anything unforeseen: logged here, told to the client without its words."""
    log.error("request failed", path=request.url.path, exc_info=error)
    return failure(500, "driftd could not answer; its log says why")
