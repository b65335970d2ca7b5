"""kafka-python's log records: kept per client, where the reasons of failures stand, and passed on without flooding."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import structlog

from sinks.kafka.hints import Explanation, explain

if TYPE_CHECKING:
    from sinks.kafka.connection import KafkaConnection

KEPT = 200
RECENT_SECONDS = 15.0
"""Records so long before the newest one are about an earlier trouble; tries are at most three seconds apart."""

FIRST_PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 3600.0
_LONGEST_TEXT = 500
_ROOT = "kafka"
_PARTICULARS = re.compile(r"0x[0-9a-f]+|\d+")
"""What differs in messages of one kind; some come with it filled in."""


class ClientLog:
    """What kafka-python logged about the clients of one client id; thread-safe, bounded.

    Args:
        connection: how these clients connect.
        purpose: as it was given to `client_options`.
    """

    def __init__(self, connection: KafkaConnection, purpose: str) -> None:
        client_id = connection.id_for(purpose)
        self._connection = connection
        self._threads = {f"kafka-io-{client_id}", f"{client_id}-network-thread"}
        self._records: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Keep the records of the calling thread too: it makes clients, which connect on it at first."""
        _HANDLER.follow(self)

    def take(self, record: logging.LogRecord, *, followed: bool) -> None:
        """Keep a record that comes from one of the clients' threads, or from one that is followed."""
        if followed or record.threadName in self._threads:
            with self._lock:
                self._records.append((record.created, _text(record)))

    def records(self) -> list[str]:
        """The texts of the last trouble, oldest first."""
        with self._lock:
            kept = list(self._records)
        return [text for at, text in kept if at >= kept[-1][0] - RECENT_SECONDS]

    def explain(self, error: BaseException | None = None) -> Explanation:
        """Why a call failed, or why nothing comes."""
        return explain(error, self.records(), self._connection)

    def clear(self) -> None:
        """It works: what was logged before explains nothing that comes later."""
        with self._lock:
            self._records.clear()

    def close(self) -> None:
        """Keep no more records."""
        _HANDLER.drop(self)


def listen(connection: KafkaConnection, purpose: str = "") -> ClientLog:
    """Keep what kafka-python logs about the clients of one id, and on the calling thread, from now on.

    Args:
        connection: how these clients connect.
        purpose: as it is given to `client_options`.
    """
    log = ClientLog(connection, purpose)
    _HANDLER.add(log)
    log.follow()
    return log


def tame() -> None:
    """Take kafka-python's log in hand, before its first record: it would write requests, passwords among them."""
    _HANDLER.install()


class _Handler(logging.Handler):
    """Hangs on kafka-python's root logger in place of the handlers above it.

    Records below INFO are never made: they would hold requests with passwords and tokens.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._logs: tuple[ClientLog, ...] = ()
        self._followed: dict[int, ClientLog] = {}
        self._pauses: dict[tuple[str, str], tuple[float, float, int]] = {}

    def add(self, log: ClientLog) -> None:
        """Give records to one more log."""
        self.install()
        with _INSTALLING:
            self._logs = (*self._logs, log)

    def install(self) -> None:
        """Take the place of the handlers above; may be called again."""
        with _INSTALLING:
            logger = logging.getLogger(_ROOT)
            logger.setLevel(logging.INFO)
            logger.propagate = False
            if self not in logger.handlers:
                logger.addHandler(self)

    def follow(self, log: ClientLog) -> None:
        """Records of the calling thread belong to this log."""
        with _INSTALLING:
            self._followed = {**self._followed, threading.get_ident(): log}

    def drop(self, log: ClientLog) -> None:
        """Give records to one log less."""
        with _INSTALLING:
            self._logs = tuple(known for known in self._logs if known is not log)
            self._followed = {key: known for key, known in self._followed.items() if known is not log}

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record to the logs, and now and then to driftd's own log."""
        try:
            followed = self._followed.get(record.thread or 0)
            for log in self._logs:
                log.take(record, followed=log is followed)
            if record.levelno >= logging.WARNING:
                self._pass_on(record)
        except Exception:  # noqa: BLE001 - as every handler: logging must not break what it tells of
            self.handleError(record)

    def _pass_on(self, record: logging.LogRecord) -> None:
        """A record of each kind at most once a minute, ever more seldom while it goes on, and never as an error.

        What matters of them comes again as driftd's own words, with a hint.
        """
        kind = _PARTICULARS.sub("#", str(record.msg)[:_LONGEST_TEXT])
        key, now = (record.name, kind), time.monotonic()
        until, pause, held = self._pauses.get(key, (0.0, FIRST_PAUSE_SECONDS, 0))
        if now < until:
            self._pauses[key] = (until, pause, held + 1)
            return
        calm = now > until + pause
        pause = FIRST_PAUSE_SECONDS if calm else min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._pauses[key] = (now + pause, pause, 0)
        structlog.get_logger("driftd.kafka").info(
            "kafka client", source=record.name, said=_text(record), more_like_it=held
        )


def _text(record: logging.LogRecord) -> str:
    """The record in one line, with the exception's words instead of its trace."""
    text = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        text = f"{text}: {record.exc_info[1]!r}"
    return text[:_LONGEST_TEXT]


_INSTALLING = threading.Lock()
_HANDLER = _Handler()
