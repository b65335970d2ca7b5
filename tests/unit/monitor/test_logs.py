"""driftd's log: one form for everybody who logs, and no secrets in it."""

import io
import json
import logging
import warnings
from typing import Any

import pytest
import structlog

from monitor.logs import LogHandler, configure_logging

SECRET = 'whsec_"quoted"/secret'


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log goes."""
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The events, read as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_structlog_and_the_standard_library_look_alike(stream: io.StringIO) -> None:
    """Both give an object a line with time, level, logger and event."""
    configure_logging(stream=stream)
    structlog.get_logger("ours").info("window closed", rows=5)
    logging.getLogger("uvicorn.error").warning("port %s", 80)
    ours, theirs = lines(stream)
    assert {"event": "window closed", "rows": 5, "level": "info", "logger": "ours"}.items() <= ours.items()
    assert {"event": "port 80", "level": "warning", "logger": "uvicorn.error"}.items() <= theirs.items()
    assert ours["timestamp"].endswith("Z")


def test_levels(stream: io.StringIO) -> None:
    """What is less severe than the level is not written; a later call changes the level and adds no handler."""
    configure_logging(level="warning", stream=stream)
    logger = structlog.get_logger("ours")
    logger.info("not this")
    configure_logging(level="debug", stream=stream)
    logger.debug("this")
    assert [line["event"] for line in lines(stream)] == ["this"]
    assert sum(isinstance(handler, LogHandler) for handler in logging.getLogger().handlers) == 1


@pytest.mark.parametrize("form", ["json", "text"])
def test_secrets_never_appear(stream: io.StringIO, form: Any) -> None:
    """Neither in messages, fields, nested values, tracebacks nor local variables."""
    configure_logging(form=form, stream=stream, secrets=[SECRET, "key"])
    logger = structlog.get_logger("ours")

    def fail(local: str) -> None:
        raise ValueError(f"bad value {local}")

    logger.info("calling with %s", SECRET, url=f"http://x/?k={SECRET}", nested={"deep": [SECRET]})
    logger.info("fields", webhook_secret="a-value-nobody-knew", authorization="Bearer abc")
    try:
        fail(SECRET)
    except ValueError:
        logger.exception("it failed")
        logging.getLogger("theirs").exception("it failed there")
    text = stream.getvalue()
    assert text.count("[hidden]") >= 7
    for piece in (SECRET, json.dumps(SECRET)[1:-1], "a-value-nobody-knew", "Bearer abc"):
        assert piece not in text
    assert "ValueError" in text


def test_local_variables_are_not_written(stream: io.StringIO) -> None:
    """A traceback names files, lines and functions; what the variables held stays out."""
    configure_logging(stream=stream)
    try:
        held = "content-of-a-variable"
        assert not held
    except AssertionError:
        structlog.get_logger("ours").exception("it failed")
    (event,) = lines(stream)
    assert event["exception"][0]["exc_type"] == "AssertionError"
    assert all("locals" not in frame for frame in event["exception"][0]["frames"])


def test_values_that_json_does_not_have(stream: io.StringIO) -> None:
    """An object of any class is written by its words, never an error."""
    configure_logging(stream=stream)
    structlog.get_logger("ours").info("odd", value=b"\xff", kind=ValueError("x"))
    (event,) = lines(stream)
    assert (event["kind"], event["value"]) == ("x", str(b"\xff"))


def test_warnings_go_to_the_log(stream: io.StringIO) -> None:
    """What Python warns of is an event, not loose text on standard error."""
    configure_logging(stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("mind this", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    (event,) = lines(stream)
    assert (event["logger"], event["level"]) == ("py.warnings", "warning")
    assert "mind this" in event["event"]
