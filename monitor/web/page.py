"""The page at `/`: one file of HTML, style and script, without a word from any other host."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response


def page(_request: Request) -> Response:
    """The page; it holds no data and asks the API for them."""
    html, policy = _page()
    return HTMLResponse(html, headers={"content-security-policy": policy, "cache-control": "no-cache"})


@cache
def _page() -> tuple[str, str]:
    """The file, and a policy that lets nothing run but what is in it."""
    html = files("monitor.web").joinpath("page.html").read_text("utf-8")
    hashes = {kind: _hash(html, kind) for kind in ("style", "script")}
    policy = (
        f"default-src 'none'; connect-src 'self'; img-src data:; style-src {hashes['style']}; "
        f"script-src {hashes['script']}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _hash(html: str, kind: str) -> str:
    found = re.search(f"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
    content = found.group(1) if found else ""
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
