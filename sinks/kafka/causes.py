"""What kafka-python's errors and log records mean: a table of patterns, the most telling first."""

from __future__ import annotations

from sinks.kafka.access import RIGHTS, SASL, TLS
from sinks.kafka.cause import Cause, cause

_DATA = (
    cause(
        "missing_topic",
        r"Topic (?P<topic>\S+) not found in cluster metadata|UnknownTopicOrPartition\w*:? ?(?P<what>[^\n]*)",
        "the topic {topic}{what} does not exist",
        "create it, or correct its name; driftd creates no topics",
        passing=True,
    ),
    cause(
        "bad_topic_name",
        r"(?P<words>Topic name .* is illegal[^\n]*)|InvalidTopicError",
        "a topic cannot have this name. {words}",
        "names have letters, digits, `.`, `_` and `-`, at most 249",
    ),
    cause(
        "unsupported_codec",
        r"UnsupportedCodec|UnsupportedCompressionType|Libraries for (?P<codec>\S+) compression codec not found",
        "messages are compressed with a codec that is not installed here: {codec}",
        "pip install 'kafka-python[lz4,snappy,zstd]'",
    ),
    cause(
        "message_too_large",
        r"MessageSizeTooLarge|RecordListTooLarge|RecordTooLarge|RECORD_TOO_LARGE",
        "a message is larger than the broker takes",
        "raise the topic's max.message.bytes",
    ),
    cause(
        "not_a_broker",
        r"does not support the 'MetadataRequest'",
        "{brokers} is a controller, not a broker",
        "name the port of a broker's listener",
    ),
    cause(
        "broker_too_old",
        r"IncompatibleBrokerVersion|UnsupportedVersion|UnrecognizedBrokerVersion|requires broker >=",
        "the brokers of {brokers} are too old for what driftd asks",
        "use Apache Kafka 2.1 or newer",
    ),
)

_GROUP = (
    cause(
        "member_name_taken",
        r"FencedInstanceId",
        "another process reads under the same member name",
        "give each daemon of the group a `member` of its own",
    ),
    cause(
        "assignors_differ",
        r"InconsistentGroupProtocol",
        "the other members of the group use another assignor",
        "give all members of the group the same `assignor`, or this daemon a `group` of its own",
    ),
    cause(
        "group_full",
        r"GroupMaxSizeReached",
        "the consumer group has no room for another member",
        "stop a member, or raise the brokers' group.max.size",
    ),
    cause(
        "coordinator_missing",
        r"CoordinatorNotAvailable|CoordinatorLoadInProgress|NotCoordinator|CoordinatorUnknown",
        "no broker of {brokers} coordinates the consumer group at the moment",
        "this passes after a broker's restart; if it stays, look at the topic __consumer_offsets",
        passing=True,
    ),
    cause(
        "too_few_replicas",
        r"NotEnoughReplicas",
        "too few brokers hold a copy of the topic for a safe write",
        "bring the brokers back that are down; the topic's min.insync.replicas says how many it takes",
        passing=True,
    ),
    cause(
        "leader_missing",
        r"LeaderNotAvailable|NotLeaderForPartition|NotLeaderOrFollower|KafkaStorage",
        "a partition has no leader at the moment",
        "this passes when the brokers have chosen one; if it stays, a broker is down for good",
        passing=True,
    ),
)

_NETWORK = (
    cause(
        "unknown_name",
        r"DNS lookup failed for (?P<host>\S+?):\d+",
        "the name {host} is not known",
        "check `brokers`, and that this machine resolves the names that the brokers advertise",
        passing=True,
    ),
    cause(
        "connection_refused",
        r"ECONNREFUSED",
        "nothing listens at {brokers}",
        "check host and port in `brokers`, and that the broker runs",
        passing=True,
    ),
    cause(
        "unreachable",
        r"EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EHOSTDOWN",
        "{brokers} cannot be reached over the network",
        "check routes and firewalls between this machine and the brokers",
        passing=True,
    ),
    cause(
        "tls_wanted",
        r"Invalid frame length: 35251[89]\d{3}\b",  # a TLS alert, read as a length
        "the listener at {brokers} is for TLS",
        "set `tls`, or name the port of another listener",
    ),
    cause(
        "not_kafka",
        r"Invalid frame length|InvalidReceiveError",
        "what answers at {brokers} is not Kafka",
        "check the port in `brokers`",
    ),
    cause(
        "no_tls_asked",
        r"broker_version=unknown \(disconnected\)>: Connection lost: KafkaConnectionError: socket disconnected",
        "{brokers} closed the connection at the first word",
        "the listener may be for TLS: set `tls`; or the port is not Kafka's",
        passing=True,
    ),
    cause(
        "hung_up",
        r"socket disconnected|ECONNRESET|EPIPE|Connection reset",
        "a broker of {brokers} closed the connection",
        "",
        passing=True,
    ),
    cause(
        "timeout",
        r"timed? ?out|Timeout|Unable to bootstrap",
        "no answer from {brokers} in time",
        "check that the brokers run and are not overloaded, and that no firewall drops the packets",
        passing=True,
    ),
)

CAUSES: tuple[Cause, ...] = (*TLS, *SASL, *RIGHTS, *_DATA, *_GROUP, *_NETWORK)
"""All of them; where several fit, the one that stands first is the reason and the others are its consequences."""
