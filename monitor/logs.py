"""driftd's own log: one format for structlog's records and the standard library's, on standard error.

Secrets are taken out of the finished line, so they cannot come in through a message, a field or a traceback.
Context variables do not cross threads, and an event costs about 40 us: nothing logs per record.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from typing import Any, Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
SHORTEST_SECRET = 6
_SECRET_WORDS = ("secret", "token", "password", "authorization", "api_key")


class LogHandler(logging.StreamHandler[TextIO]):
    """The one handler that driftd hangs on the root logger; `configure_logging` replaces it."""


class Redaction:
    """Takes secrets out of fields named like secrets, and known secrets out of the finished line.

    Args:
        secrets: their values; values shorter than six characters are left, or every line would have holes.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        escaped = {json.dumps(secret)[1:-1] for secret in known}
        self._secrets = sorted(known | escaped, key=len, reverse=True)

    def fields(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Hide the values of fields that are called like secrets."""
        for key in event:
            if any(word in key.lower() for word in _SECRET_WORDS):
                event[key] = HIDDEN
        return event

    def line(self, _logger: WrappedLogger, _method: str, rendered: Any) -> str:
        """Hide known secrets wherever they stand in the rendered line."""
        for secret in self._secrets:
            rendered = str(rendered).replace(secret, HIDDEN)
        return str(rendered)


def configure_logging(
    *,
    level: str = "info",
    form: Literal["json", "text"] = "json",
    stream: TextIO | None = None,
    secrets: Iterable[str] = (),
) -> None:
    """Send all that is logged to one stream in one form; a later call takes the place of an earlier one.

    Args:
        level: least severe messages that are written: `debug`, `info`, `warning`, `error`.
        form: one JSON object a line, or text for people (in colour on a terminal).
        stream: standard error by default.
        secrets: values that must never be written.
    """
    target = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = LogHandler(target)
    handler.setFormatter(_formatter(form, Redaction(secrets), colors=target.isatty()))
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, LogHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _formatter(form: str, redaction: Redaction, *, colors: bool) -> structlog.stdlib.ProcessorFormatter:
    """The same steps for records of structlog and of the standard library."""
    renderer: list[Processor] = [
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    ]
    if form == "json":
        transform = ExceptionDictTransformer(show_locals=False)
        renderer = [
            structlog.processors.ExceptionRenderer(transform),
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redaction.fields,
            *renderer,
            redaction.line,
        ],
    )
