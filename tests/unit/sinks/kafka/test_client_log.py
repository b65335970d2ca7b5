"""kafka-python's records: kept for the client they are about, passed on seldom, and never with a secret."""

import logging
import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from sinks.kafka import KafkaConnection
from sinks.kafka.client_log import KEPT, ClientLog, listen

CONNECTION = KafkaConnection.model_validate({"brokers": "b"})
NET = logging.getLogger("kafka.net.manager")


@pytest.fixture
def log() -> Iterator[ClientLog]:
    """What is heard of the clients for one purpose."""
    found = listen(CONNECTION, "loans")
    yield found
    found.close()


def on_thread(name: str, text: str, level: int = logging.ERROR) -> None:
    """Log on a thread of that name, as kafka-python's clients do."""
    thread = threading.Thread(target=NET.log, args=(level, "%s", text), name=name)
    thread.start()
    thread.join()


def test_records_go_to_their_client(log: ClientLog) -> None:
    """The I/O threads of two clients are told apart, a producer's thread belongs to its client."""
    other = listen(CONNECTION, "other")
    on_thread("kafka-io-driftd.loans", "111 ECONNREFUSED")
    on_thread("driftd.other-network-thread", "certificate has expired")
    on_thread("MainThread-7", "nobody's")
    assert ["111 ECONNREFUSED"] == log.records()
    assert "certificate_expired" == other.explain().cause
    other.close()


def test_the_thread_that_makes_the_client_is_followed(log: ClientLog) -> None:
    """A client connects on the calling thread at first; the last log that follows it gets its records."""
    NET.error("111 ECONNREFUSED")
    other = listen(CONNECTION, "other")
    NET.error("to the other")
    log.follow()
    NET.error("to the first")
    assert ["111 ECONNREFUSED", "to the first"] == log.records()
    assert ["to the other"] == other.records()
    other.close()
    assert "connection_refused" == log.explain(TimeoutError("Unable to bootstrap")).cause


def test_bounded_and_forgotten(log: ClientLog) -> None:
    """So many records are kept and no more; none after a success, none after the end."""
    for number in range(2 * KEPT):
        NET.error("record %d", number)
    assert (KEPT, f"record {2 * KEPT - 1}") == (len(log.records()), log.records()[-1])
    log.clear()
    assert [] == log.records()
    log.close()
    NET.error("late")
    assert [] == log.records()


def test_only_the_last_trouble_counts(log: ClientLog) -> None:
    """What was logged long before the newest record explains nothing any more."""
    for age, text in ((100.0, "certificate has expired"), (0.0, "111 ECONNREFUSED")):
        record = NET.makeRecord(NET.name, logging.ERROR, "f", 1, text, (), None)
        record.created -= age
        NET.handle(record)
    assert ["111 ECONNREFUSED"] == log.records()


def test_the_daemons_log_is_not_flooded(log: ClientLog) -> None:
    """A thousand records of a kind become one line, as information; another kind is another line."""
    with capture_logs() as lines:
        for number in range(1000):
            NET.error("a kind of its own, broker %d", number)
        NET.warning("another kind of its own")
        NET.info("not worth a line")
    assert ["a kind of its own, broker 0", "another kind of its own"] == [line["said"] for line in lines]
    assert {"info"} == {line["log_level"] for line in lines}
    assert log.records()


def test_what_differs_within_a_kind_makes_no_kind(log: ClientLog) -> None:
    """Records that come with their numbers and addresses filled in are of one kind, too."""
    with capture_logs() as lines:
        for seconds, address in [("0.190", "0x7f8540281e10"), ("0.231", "0x7f8532d08bd0"), ("1.5", "0x7fe4")]:
            NET.warning(f"Task <Task object at {address}> ran for {seconds}s of 0.100s")
    assert 1 == len(lines)
    assert 3 == len(log.records())


def test_no_request_is_ever_logged(log: ClientLog) -> None:
    """At the level at which kafka-python writes requests, passwords among them, it is silent; whatever ours is."""
    logging.getLogger().setLevel(logging.DEBUG)
    with capture_logs() as lines:
        NET.debug("Request SaslAuthenticateRequest(auth_bytes=b'\\0alice\\0secret')")
    assert ([], []) == (lines, log.records())
    assert not NET.isEnabledFor(logging.DEBUG)


def test_whoever_gets_options_cannot_log_requests() -> None:
    """The log is tamed before the first client can write its own options into it."""
    root = logging.getLogger("kafka")
    root.setLevel(logging.DEBUG)
    CONNECTION.client_options()
    assert not logging.getLogger("kafka.admin.client").isEnabledFor(logging.DEBUG)
    assert not root.propagate


def test_an_exception_is_one_line(log: ClientLog) -> None:
    """The words of an exception stand behind the record's, without a trace."""
    try:
        int("broken")
    except ValueError:
        NET.exception("it failed")
    assert ["it failed: ValueError(\"invalid literal for int() with base 10: 'broken'\")"] == log.records()
