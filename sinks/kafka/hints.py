"""Why Kafka cannot be used, in words for people: kafka-python reports most failures as one and the same timeout."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sinks.kafka.cause import Cause
from sinks.kafka.causes import CAUSES

if TYPE_CHECKING:
    from sinks.kafka.connection import KafkaConnection

_LONGEST = 300
_ASK_THE_LOGS = "the broker's log, or that of driftd with `log: {level: debug}`, may tell more"
_NODE = re.compile(r"node_id=(?P<node>\d+) ")
_INTRODUCED = re.compile(r"Initializing connection for node_id (?P<node>\d+) at (?P<address>\S+)")
_UNREACHED = frozenset({"connection_refused", "unknown_name", "unreachable", "timeout"})


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something failed.

    Attributes:
        cause: one word, such as `wrong_password`; `other` where the reason is not known.
        message: one sentence.
        hint: what to do; may be empty.
        passing: it may heal without anybody's doing.
    """

    cause: str
    message: str
    hint: str
    passing: bool

    def __str__(self) -> str:
        """The message, and the hint in brackets."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


def explain(
    error: BaseException | None, records: Sequence[str], connection: KafkaConnection | None = None
) -> Explanation:
    """The reason that an error and what was logged around it show.

    Args:
        error: what kafka-python raised; None where it only logged.
        records: texts of kafka-python's log records about this client, oldest first.
        connection: the options, which tell what to say about them.
    """
    texts = [*_words(error), *reversed(records)]
    if (trouble := _file_trouble(texts, connection)) is not None:
        return trouble
    for cause in CAUSES:
        for text in texts:
            match = cause.pattern.search(text)
            if match:
                return _with_context(_told(cause, match, connection), text, records, connection)
    return _other(error)


def _words(error: BaseException | None) -> Iterable[str]:
    """The error and those behind it, as texts."""
    while error is not None:
        name, words = type(error).__name__, str(error)
        yield words if name in words else f"{name}: {words}"
        error = error.__cause__ or error.__context__


def _told(cause: Cause, match: re.Match[str], connection: KafkaConnection | None) -> Explanation:
    values: dict[str, str] = defaultdict(str)
    values |= {
        name: (value or "").strip(" '\"{}[]()")[:_LONGEST] for name, value in match.groupdict().items()
    }
    values["brokers"] = "the brokers" if connection is None else ", ".join(connection.brokers)
    values["mechanism"] = "SASL"
    if connection is not None and connection.sasl is not None:
        values["mechanism"] = connection.sasl.mechanism.upper()
    return Explanation(cause.name, cause.message.format_map(values).strip(" :."), cause.hint, cause.passing)


def _with_context(
    told: Explanation, text: str, records: Sequence[str], connection: KafkaConnection | None
) -> Explanation:
    if told.cause in _UNREACHED:
        return _advertised(told, text, records)
    if told.cause in {"hung_up", "no_tls_asked"} and connection is not None:
        return _hung_up(told, connection)
    return told


def _advertised(told: Explanation, text: str, records: Sequence[str]) -> Explanation:
    """A broker that was named by another one: its address is the cluster's business, not the configuration's."""
    addresses = {
        found["node"]: found["address"] for record in records if (found := _INTRODUCED.search(record))
    }
    node = _NODE.search(text)
    address = addresses.get(node["node"]) if node else None
    if address is None:
        return told
    return replace(
        told,
        message=f"the cluster answers, but its broker {address} cannot be reached from here: {told.message}",
        hint="the brokers' advertised.listeners must hold addresses that this machine can reach",
    )


def _hung_up(told: Explanation, connection: KafkaConnection) -> Explanation:
    """Brokers that dislike how a client begins close the connection, mostly without a word."""
    if connection.sasl is not None:
        hint = (
            f"the brokers may refuse the user or the mechanism {connection.sasl.mechanism.upper()},"
            " or the listener may want TLS (or none): their log says which"
        )
    elif told.cause == "no_tls_asked" and connection.tls is not None:
        hint = "the port may not be Kafka's"
    elif told.cause == "no_tls_asked":
        return told
    else:
        hint = "if it never works, the listener may want SASL: set `sasl`; else a broker was restarted"
    return replace(told, hint=hint)


def _file_trouble(texts: Iterable[str], connection: KafkaConnection | None) -> Explanation | None:
    """A file of the TLS options that cannot be opened; the error does not say which."""
    tls = None if connection is None else connection.tls
    if tls is None or not any("[Errno" in text for text in texts):
        return None
    found = tls.unreadable()
    return found and Explanation("file_unreadable", found[1], f"check `tls.{found[0]}`", passing=False)


def _other(error: BaseException | None) -> Explanation:
    words = next(iter(_words(error)), "no reason is known")
    return Explanation("other", words[:_LONGEST], _ASK_THE_LOGS, passing=True)
