"""Who may ask: a bearer token read from a file, and no writing on behalf of other web sites."""

from __future__ import annotations

from hmac import compare_digest
from pathlib import Path

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web.answers import failure

log = structlog.get_logger()

GUARDED = ("/api/", "/metrics")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """Middleware in front of everything.

    Args:
        app: what is guarded.
        token_file: file with the token that `/api` and `/metrics` ask for; it is read for each request, so that a
            rotated secret counts at once. An unreadable or empty file lets nobody in. None asks for nothing.
    """

    def __init__(self, app: ASGIApp, token_file: Path | None = None) -> None:
        self.app = app
        self.token_file = token_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer 401 or 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"].startswith(GUARDED) and not self._known(headers.get("authorization", "")):
            hint = {"www-authenticate": 'Bearer realm="driftd"'}
            await failure(401, "needs the header Authorization: Bearer <token>", hint)(scope, receive, send)
        elif scope["method"] == "POST" and headers.get("sec-fetch-site", "none") not in {
            "none",
            "same-origin",
        }:
            await failure(403, "another web site may not do this")(scope, receive, send)
        else:
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]  # type: ignore[misc]
            await send(message)

        await self.app(scope, receive, dressed)  # type: ignore[arg-type]

    def _known(self, header: str) -> bool:
        if self.token_file is None:
            return True
        try:
            token = self.token_file.read_bytes().strip()
        except OSError as error:
            log.warning("token file cannot be read", path=str(self.token_file), reason=error.strerror)
            return False
        scheme, _, given = header.partition(" ")
        right = compare_digest(given.strip().encode("utf-8", "surrogateescape"), token)
        return bool(token) and scheme.lower() == "bearer" and right
