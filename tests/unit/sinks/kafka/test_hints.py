"""From kafka-python's words, as they came from real brokers, to a reason and what to do."""

from pathlib import Path
from typing import Any

import pytest
from kafka import errors

from sinks.kafka import KafkaConnection
from sinks.kafka.causes import CAUSES
from sinks.kafka.hints import explain

BOOTSTRAP = errors.KafkaTimeoutError("Unable to bootstrap from ['b:1']")
LOST = "<KafkaConnection node_id=bootstrap-0 broker_version={version} (disconnected)>: Connection lost: {why}"

RECORDS = {
    "connection_refused": "Connection failed: KafkaConnectionError: 111 ECONNREFUSED",
    "unknown_name": "DNS lookup failed for nowhere.invalid:9092, gaierror(-2, 'Name or service not known')",
    "certificate_expired": "Connection failed: KafkaConnectionError: Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED]"
    " certificate verify failed: certificate has expired (_ssl.c:1006)",
    "unknown_authority": "Connection failed: KafkaConnectionError: Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED]"
    " certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)",
    "certificate_incomplete": "Connection failed: KafkaConnectionError: Handshake failed: [SSL:"
    " CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key Identifier (_ssl.c:1020)",
    "hostname_mismatch": "Connection failed: KafkaConnectionError: Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED]"
    " certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'. (_ssl.c:1006)",
    "own_certificate_missing": "Error receiving network data closing socket: SSLError(1, '[SSL:"
    " SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate (_ssl.c:2580)')",
    "own_certificate_refused": "Connection lost: KafkaConnectionError: [SSL: SSLV3_ALERT_CERTIFICATE_UNKNOWN] sslv3"
    " alert certificate unknown (_ssl.c:2580)",
    "own_certificate_expired": "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)",
    "key_mismatch": "Connection failed: [X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3926)",
    "key_unreadable": "Connection failed: [SSL] PEM lib (_ssl.c:3926)",
    "not_pem": "Connection failed: [X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4154)",
    "not_tls": "Connection failed: KafkaConnectionError: Handshake failed: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF"
    " occurred in violation of protocol (_ssl.c:1006)",
    "tls_wanted": LOST.format(version="unknown", why="InvalidReceiveError: Invalid frame length: 352518912"),
    "not_kafka": LOST.format(version="unknown", why="InvalidReceiveError: Invalid frame length: 1213486160"),
    "no_tls_asked": LOST.format(version="unknown", why="KafkaConnectionError: socket disconnected"),
    "hung_up": LOST.format(version="(4, 3)", why="KafkaConnectionError: socket disconnected"),
    "wrong_password": "Connection lost: [Error 58] SaslAuthenticationFailedError: SaslAuthenticationFailedError:"
    " Authentication failed: Invalid username or password",
    "wrong_token": "Connection lost: [Error 58] SaslAuthenticationFailedError: SaslAuthenticationFailedError:"
    ' {"status":"invalid_token"}',
    "mechanism_not_enabled": "SaslHandshake failed: UnsupportedSaslMechanismError",
    "no_sasl_here": "SaslHandshake failed: IllegalSaslStateError",
    "kerberos": "Connection lost: GSSAPI lib not found!",
    "token_endpoint": "Connection lost: the token endpoint http://a/ gave no token: HTTP 401, invalid_client",
    "not_a_broker": "Bootstrap attempt to bootstrap-0 failed: [Error 35] IncompatibleBrokerVersion: Kafka broker does"
    " not support the 'MetadataRequest' Kafka protocol. (backoff 0.08 secs)",
    "missing_topic": "Topic loans not found in cluster metadata",
}

ERRORS: dict[str, list[BaseException]] = {
    "topic_not_allowed": [errors.TopicAuthorizationFailedError("loans")],
    "group_not_allowed": [errors.GroupAuthorizationFailedError("readers")],
    "cluster_not_allowed": [errors.ClusterAuthorizationFailedError()],
    "missing_topic": [errors.UnknownTopicOrPartitionError("loans")],
    "bad_topic_name": [
        ValueError('Topic name "bad topic!" is illegal, it contains a character other than …')
    ],
    "unsupported_codec": [
        errors.UnsupportedCodecError("Libraries for zstd compression codec not found"),
        errors.UnsupportedCompressionTypeError(),
    ],
    "message_too_large": [errors.MessageSizeTooLargeError(), errors.RecordListTooLargeError()],
    "broker_too_old": [
        errors.IncompatibleBrokerVersion("Kafka broker does not support X"),
        errors.UnsupportedVersionError(),
    ],
    "coordinator_missing": [
        errors.CoordinatorNotAvailableError(),
        errors.CoordinatorLoadInProgressError(),
        errors.NotCoordinatorError(),
    ],
    "member_name_taken": [errors.FencedInstanceIdError()],
    "assignors_differ": [errors.InconsistentGroupProtocolError()],
    "group_full": [errors.GroupMaxSizeReachedError()],
    "too_few_replicas": [errors.NotEnoughReplicasError(), errors.NotEnoughReplicasAfterAppendError()],
    "leader_missing": [
        errors.LeaderNotAvailableError(),
        errors.NotLeaderForPartitionError(),
        errors.KafkaStorageError(),
    ],
    "unreachable": [errors.KafkaConnectionError("113 EHOSTUNREACH")],
    "timeout": [BOOTSTRAP, errors.RequestTimedOutError(), TimeoutError("x")],
    "other": [RuntimeError("what nobody has seen")],
}


def connection(**options: Any) -> KafkaConnection:
    """A connection with these options."""
    return KafkaConnection.model_validate({"brokers": "kafka-1:9094", **options})


@pytest.mark.parametrize("cause", RECORDS)
def test_log_records_tell_more_than_the_error(cause: str) -> None:
    """kafka-python says that it could not bootstrap; its log says why."""
    noise = [
        "Bootstrap bootstrap-0 not ready; waiting 0.20 secs",
        "Bootstrap failed: KafkaTimeoutError: Unable to …",
    ]
    for records in ([RECORDS[cause], *noise], [*noise, RECORDS[cause], *noise]):
        assert cause == explain(BOOTSTRAP, records, connection()).cause


@pytest.mark.parametrize("cause", ERRORS)
def test_errors(cause: str) -> None:
    """Errors tell their cause without any record, alone and as the cause of another error."""
    for error in ERRORS[cause]:
        told = explain(error, [], connection())
        assert cause == told.cause
        assert told.hint or cause == "hung_up"
        outer = RuntimeError("while polling")
        outer.__cause__ = error
        assert cause == explain(outer, [], connection()).cause


def test_every_cause_is_shown() -> None:
    """Each cause of the table occurs above, except three that no broker here could be brought to."""
    shown = {*RECORDS, *ERRORS}
    assert {"certificate_not_yet_valid", "no_common_tls"} == {cause.name for cause in CAUSES} - shown


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_words(cause: Any) -> None:
    """Each cause is one sentence without its full stop, and each but a hang-up has a hint."""
    assert not cause.message.endswith(".")
    assert bool(cause.hint) == (cause.name != "hung_up")


def test_what_was_named_is_named() -> None:
    """Topics, groups, hosts, brokers and mechanisms stand in the message."""
    named = {
        "the topic loans does not exist": explain(None, [RECORDS["missing_topic"]]),
        "driftd's user may not use the topic loans": explain(
            errors.TopicAuthorizationFailedError("loans"), []
        ),
        "driftd's user may not use the consumer group readers": explain(
            errors.GroupAuthorizationFailedError("readers"), []
        ),
        "the broker's certificate is not made out to 127.0.0.1": explain(
            None, [RECORDS["hostname_mismatch"]]
        ),
        "nothing listens at kafka-1:9094": explain(None, [RECORDS["connection_refused"]], connection()),
        "the name nowhere.invalid is not known": explain(None, [RECORDS["unknown_name"]]),
    }
    assert list(named) == [told.message for told in named.values()]
    sasl = {"mechanism": "plain", "username": "alice", "password": "hidden-password"}
    told = explain(None, [RECORDS["wrong_password"]], connection(sasl=sasl))
    assert "the brokers of kafka-1:9094 do not accept the user name or the password (PLAIN)" == told.message


def test_a_broker_that_only_the_cluster_names() -> None:
    """A broker cannot be reached at the address it advertises: the brokers' settings are wrong, not driftd's."""
    records = [
        "Initializing connection for node_id bootstrap-0 at kafka-1:9094 (rack=None)",
        "Initializing connection for node_id 2 at internal:29092 (rack=None)",
        "<KafkaConnection node_id=2 broker_version=(4, 3) (disconnected)>: Connection lost: 111 ECONNREFUSED",
    ]
    told = explain(None, records, connection())
    assert "its broker internal:29092 cannot be reached" in told.message
    assert "advertised.listeners" in told.hint


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The error says only that there is no such file."""
    there = tmp_path / "ca.pem"
    there.touch()
    tls = {"ca": str(there), "certificate": str(tmp_path / "mine.pem")}
    told = explain(BOOTSTRAP, ["Connection failed: [Errno 2] No such file or directory"], connection(tls=tls))
    assert f"cannot read {tmp_path / 'mine.pem'}: No such file or directory (check `tls.certificate`)" == str(
        told
    )


def test_hang_ups_are_read_by_what_was_asked() -> None:
    """Where SASL was asked for a hang-up may be about the user, and where it was not the listener may want it."""
    sasl = {"mechanism": "plain", "username": "alice", "password": "hidden-password"}
    assert (
        "refuse the user or the mechanism PLAIN"
        in explain(None, [RECORDS["hung_up"]], connection(sasl=sasl)).hint
    )
    assert "may want SASL" in explain(None, [RECORDS["hung_up"]], connection()).hint
