"""What kafka-python's errors and log records mean: a table of patterns, the most telling first."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for which Kafka cannot be used.

    Attributes:
        name: its word in logs and tests.
        pattern: what gives it away in an error's or record's text.
        message: one sentence; named groups of the pattern, `{brokers}` and `{mechanism}` may stand in it.
        hint: what to do about it.
        passing: it may heal without anybody's doing.
    """

    name: str
    pattern: re.Pattern[str]
    message: str
    hint: str
    passing: bool = False


def _cause(name: str, pattern: str, message: str, hint: str, *, passing: bool = False) -> Cause:
    return Cause(name, re.compile(pattern, re.IGNORECASE), message, hint, passing)


_TLS = (
    _cause(
        "certificate_expired",
        r"certificate has expired",
        "the certificate of a broker of {brokers} has expired",
        "renew the broker's certificate; if it is valid, check this machine's clock",
    ),
    _cause(
        "certificate_not_yet_valid",
        r"certificate is not yet valid",
        "the certificate of a broker of {brokers} is not valid yet",
        "check this machine's clock and the certificate's dates",
    ),
    _cause(
        "hostname_mismatch",
        r"(?:hostname|IP address) mismatch, certificate is not valid for '(?P<host>[^']*)'",
        "the broker's certificate is not made out to {host}",
        "use the brokers' names as the certificate has them, in `brokers` and in their advertised.listeners;"
        " `tls.verify_hostname: false` gives this check up",
    ),
    _cause(
        "unknown_authority",
        r"CERTIFICATE_VERIFY_FAILED",
        "the certificate of a broker of {brokers} comes from an authority that is not trusted",
        "set `tls.ca` to the PEM file of the authority that signed the brokers' certificates",
    ),
    _cause(
        "own_certificate_expired",
        r"alert certificate expired",
        "the brokers say that driftd's own certificate has expired",
        "renew the file in `tls.certificate`; it is read at every connection, no restart is needed",
    ),
    _cause(
        "own_certificate_missing",
        r"alert bad certificate|certificate required",
        "the brokers ask for a certificate of the client's own (mTLS)",
        "set `tls.certificate` and `tls.key`",
    ),
    _cause(
        "own_certificate_refused",
        r"alert (?:certificate unknown|unknown ca|unsupported certificate|certificate revoked|access denied)",
        "the brokers do not accept driftd's own certificate",
        "it must come from an authority that the brokers trust, and be valid today: check `tls.certificate`",
    ),
    _cause(
        "key_mismatch",
        r"KEY_VALUES_MISMATCH",
        "the private key does not belong to the certificate",
        "check that `tls.key` and `tls.certificate` were made together",
    ),
    _cause(
        "key_unreadable",
        r"\[SSL\] PEM lib|bad decrypt|bad password read",
        "the private key or the certificate for TLS cannot be read",
        "check `tls.key_password`, and that `tls.certificate` and `tls.key` are PEM files",
    ),
    _cause(
        "not_pem",
        r"NO_CERTIFICATE_OR_CRL_FOUND|NO_START_LINE",
        "a file named in `tls` holds no certificate in PEM form",
        "PEM files have lines such as -----BEGIN CERTIFICATE-----",
    ),
    _cause(
        "not_tls",
        r"WRONG_VERSION_NUMBER|UNEXPECTED_EOF_WHILE_READING|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL|HTTP_REQUEST",
        "the port of {brokers} does not speak TLS",
        "name the port of a listener for SSL or SASL_SSL, or leave `tls` out",
    ),
    _cause(
        "no_common_tls",
        r"alert (?:protocol version|handshake failure|insufficient security)|NO_PROTOCOLS_AVAILABLE",
        "driftd and the brokers of {brokers} have no TLS version or cipher in common",
        "allow TLS 1.2 or 1.3 on the brokers",
    ),
)

_SASL = (
    _cause(
        "token_endpoint",
        r"(?P<words>the token endpoint [^\n]*)",
        "{words}",
        "check `sasl.token_url`, `sasl.client_id`, `sasl.client_secret` and `sasl.scope`",
        passing=True,
    ),
    _cause(
        "wrong_token",
        r"(?=.*SaslAuthenticationFailed)(?=.*\b(?:token|OAUTHBEARER|invalid_(?:token|request|client))\b)",
        "the brokers of {brokers} do not accept the token",
        "check the token's audience, scope and issuer against the listener's settings for OAUTHBEARER",
    ),
    _cause(
        "wrong_password",
        r"SaslAuthenticationFailed|wrong signature",
        "the brokers of {brokers} do not accept the user name or the password ({mechanism})",
        "check `sasl.username` and `sasl.password`, and that the user exists for this mechanism",
    ),
    _cause(
        "mechanism_not_enabled",
        r"UnsupportedSaslMechanism",
        "the listener at {brokers} does not offer the mechanism {mechanism}",
        "choose another `sasl.mechanism`, or add it to the brokers' sasl.enabled.mechanisms",
    ),
    _cause(
        "no_sasl_here",
        r"IllegalSaslState",
        "the listener at {brokers} does not ask who driftd is",
        "leave `sasl` out, or name the port of a listener for SASL",
    ),
    _cause(
        "kerberos",
        r"(?P<words>GSSAPI lib not found|No GSSAPI lib available|gssapi\.[^\n]*|GSSError[^\n]*)",
        "Kerberos cannot be used: {words}",
        "install the package gssapi, and see that the process has a valid ticket (kinit, or a keytab)",
    ),
)

_RIGHTS = (
    _cause(
        "topic_not_allowed",
        r"TopicAuthorizationFailed\w*:? ?(?P<what>[^\n]*)|Topic (?P<topic>\S+) is not authorized",
        "driftd's user may not use the topic {topic}{what}",
        "allow it Describe and Read (source) or Describe and Write (sink) on the topic: kafka-acls --add"
        " --allow-principal User:NAME --operation … --topic …",
    ),
    _cause(
        "group_not_allowed",
        r"GroupAuthorizationFailed\w*:? ?(?P<what>[^\n]*)",
        "driftd's user may not use the consumer group {what}",
        "allow it Read on the group: kafka-acls --add --allow-principal User:NAME --operation Read --group …",
    ),
    _cause(
        "cluster_not_allowed",
        r"ClusterAuthorizationFailed|TransactionalIdAuthorizationFailed",
        "driftd's user lacks a right on the cluster",
        "allow it Write on the topic, which includes idempotent writes since Kafka 3.0; before, IdempotentWrite",
    ),
)

_DATA = (
    _cause(
        "missing_topic",
        r"Topic (?P<topic>\S+) not found in cluster metadata|UnknownTopicOrPartition\w*:? ?(?P<what>[^\n]*)",
        "the topic {topic}{what} does not exist",
        "create it, or correct its name; driftd creates no topics",
        passing=True,
    ),
    _cause(
        "bad_topic_name",
        r"(?P<words>Topic name .* is illegal[^\n]*)|InvalidTopicError",
        "a topic cannot have this name. {words}",
        "names have letters, digits, `.`, `_` and `-`, at most 249",
    ),
    _cause(
        "unsupported_codec",
        r"UnsupportedCodec|UnsupportedCompressionType|Libraries for (?P<codec>\S+) compression codec not found",
        "messages are compressed with a codec that is not installed here: {codec}",
        "pip install 'kafka-python[lz4,snappy,zstd]'",
    ),
    _cause(
        "message_too_large",
        r"MessageSizeTooLarge|RecordListTooLarge|RecordTooLarge|RECORD_TOO_LARGE",
        "a message is larger than the broker takes",
        "raise the topic's max.message.bytes",
    ),
    _cause(
        "not_a_broker",
        r"does not support the 'MetadataRequest'",
        "{brokers} is a controller, not a broker",
        "name the port of a broker's listener",
    ),
    _cause(
        "broker_too_old",
        r"IncompatibleBrokerVersion|UnsupportedVersion|UnrecognizedBrokerVersion|requires broker >=",
        "the brokers of {brokers} are too old for what driftd asks",
        "use Apache Kafka 2.1 or newer",
    ),
)

_GROUP = (
    _cause(
        "member_name_taken",
        r"FencedInstanceId",
        "another process reads under the same member name",
        "give each daemon of the group a `member` of its own",
    ),
    _cause(
        "assignors_differ",
        r"InconsistentGroupProtocol",
        "the other members of the group use another assignor",
        "give all members of the group the same `assignor`, or this daemon a `group` of its own",
    ),
    _cause(
        "group_full",
        r"GroupMaxSizeReached",
        "the consumer group has no room for another member",
        "stop a member, or raise the brokers' group.max.size",
    ),
    _cause(
        "coordinator_missing",
        r"CoordinatorNotAvailable|CoordinatorLoadInProgress|NotCoordinator|CoordinatorUnknown",
        "no broker of {brokers} coordinates the consumer group at the moment",
        "this passes after a broker's restart; if it stays, look at the topic __consumer_offsets",
        passing=True,
    ),
    _cause(
        "too_few_replicas",
        r"NotEnoughReplicas",
        "too few brokers hold a copy of the topic for a safe write",
        "bring the brokers back that are down; the topic's min.insync.replicas says how many it takes",
        passing=True,
    ),
    _cause(
        "leader_missing",
        r"LeaderNotAvailable|NotLeaderForPartition|NotLeaderOrFollower|KafkaStorage",
        "a partition has no leader at the moment",
        "this passes when the brokers have chosen one; if it stays, a broker is down for good",
        passing=True,
    ),
)

_NETWORK = (
    _cause(
        "unknown_name",
        r"DNS lookup failed for (?P<host>\S+?):\d+",
        "the name {host} is not known",
        "check `brokers`, and that this machine resolves the names that the brokers advertise",
        passing=True,
    ),
    _cause(
        "connection_refused",
        r"ECONNREFUSED",
        "nothing listens at {brokers}",
        "check host and port in `brokers`, and that the broker runs",
        passing=True,
    ),
    _cause(
        "unreachable",
        r"EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EHOSTDOWN",
        "{brokers} cannot be reached over the network",
        "check routes and firewalls between this machine and the brokers",
        passing=True,
    ),
    _cause(
        "no_tls_asked",
        r"broker_version=unknown \(disconnected\)>: Connection lost: KafkaConnectionError: socket disconnected",
        "{brokers} closed the connection at the first word",
        "the listener may be for TLS: set `tls`; or the port is not Kafka's",
        passing=True,
    ),
    _cause(
        "hung_up",
        r"socket disconnected|ECONNRESET|EPIPE|Connection reset",
        "a broker of {brokers} closed the connection",
        "",
        passing=True,
    ),
    _cause(
        "timeout",
        r"timed? ?out|Timeout|Unable to bootstrap",
        "no answer from {brokers} in time",
        "check that the brokers run and are not overloaded, and that no firewall drops the packets",
        passing=True,
    ),
)

CAUSES: tuple[Cause, ...] = (*_TLS, *_SASL, *_RIGHTS, *_DATA, *_GROUP, *_NETWORK)
"""All of them; where several fit, the one that stands first is the reason and the others are its consequences."""
