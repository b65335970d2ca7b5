"""Kafka topics as a source: its options."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from monitor.decode.decoder import Decoder
from monitor.decode.formats import Format
from monitor.decode.mapping import Records
from monitor.decode.registry_options import RegistryOptions
from monitor.settings.options import Options
from monitor.sources.joining.options import JoinOptions
from monitor.sources.options import SourceOptions
from sinks.duration import Seconds
from sinks.kafka import KafkaConnection
from sinks.kafka.dead_letters import DeadLetterTopic

if TYPE_CHECKING:
    from monitor.sources.kafka.source import KafkaStream

AUTO = "auto"
_NAME = r"^[A-Za-z0-9._-]{1,249}$"
_LEAST_FETCH, _USUAL_FETCH = 2**20, 2 * 2**20
_SELECTIONS = ("topics", "pattern", "join", "partitions")

Topic = Annotated[str, Field(pattern=_NAME)]
Topics = Annotated[
    tuple[Topic, ...],
    MinLen(1),
    BeforeValidator(
        lambda value: (value,) if isinstance(value, str) else value,
        json_schema_input_type=str | tuple[str, ...],
    ),
]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


def _moment(text: str) -> str:
    if text in {"earliest", "latest"}:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"{text!r} is no start: write earliest, latest, or a time with its zone such as 2026-01-31T12:00:00Z"
        )
    return text


class SamplingOptions(Options):
    """Look at a share of the messages; each row that is kept stands for 1 / rate of them."""

    rate: Annotated[float, Gt(0), Le(1)]
    """Share of the messages that is kept."""

    by: Literal["offset", "key", "id"] = "offset"
    """What decides: the place in the partition, the key, or the identifier, which is read before anything else of a
    record. By key and identifier all messages with the same one are kept, or none."""


class KafkaSource(KafkaConnection, SourceOptions):
    """Reads Kafka topics, alone or shared with other daemons in a consumer group.

    The position is kept in the state, in the same transaction as the counts; a partition that is handed over cleanly
    is counted exactly once. Offsets are committed to Kafka as well, after the state, for other members and lag tools.
    """

    type: Literal["kafka"] = "kafka"

    topics: Topics | None = None
    """The topics: a name or a list. Give exactly one of `topics`, `pattern`, `join` and `partitions`."""

    pattern: Annotated[str, AfterValidator(_compiles)] | None = None
    """Regular expression of topic names; topics that come later are read from their beginning."""

    join: JoinOptions | None = None
    """Requests, responses and labels from topics of their own, put together by their identifiers."""

    partitions: Annotated[dict[Topic, tuple[Annotated[int, Ge(0)], ...]], MinLen(1)] | None = None
    """Certain partitions by topic, without a group: `{loans: [0, 1]}` with `group: null`."""

    group: Annotated[str, MinLen(1)] | None = AUTO
    """The consumer group; `auto` is `driftd.` and the monitor's name. `null`: no group, this daemon reads all."""

    member: Annotated[str, Field(pattern=_NAME)] | None = None
    """Name of this daemon in the group (static membership): it may be away for the session timeout without giving
    up its partitions. Each daemon needs another one."""

    assignor: Literal["auto", "cooperative-sticky", "sticky", "range"] = "auto"
    """How partitions are dealt out; all members of a group need the same. `auto` is `cooperative-sticky`, and in a join
    `range`: it gives the same partition numbers of all topics to the same member."""

    start: Annotated[str, AfterValidator(_moment)] = "earliest"
    """Where a partition begins that neither this daemon nor the group has read: `earliest`, `latest` or a time."""

    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    """Whether records of transactions that are open or aborted are left out."""

    follow: bool = True
    """Wait for more when everything has been read. Otherwise reading ends where the topics end now, without a group."""

    format: Format = "auto"
    """What values are: `json`, `lines` (newline-separated JSON), `avro` and `registry-json` (Confluent's wire format: a
    schema's number before the data), `cloudevents`; `auto` looks at each value and at the header `content-type`."""

    registry: RegistryOptions | None = None
    """Where the schemas of Avro records are."""

    sampling: SamplingOptions | None = None
    """Look at a share of the messages only."""

    buffer_bytes: Annotated[int, Ge(2**20)] = 6 * 2**20
    """Messages that are fetched ahead, bytes; when so many wait, partitions are paused."""

    session_timeout: Annotated[Seconds, Ge(1)] = 45.0
    """A member that has not been heard of for so long loses its partitions; brokers allow 6s to 30m by default."""

    rebalance_timeout: Annotated[Seconds, Ge(1)] = 60.0
    """How long a member may take to give a partition up."""

    unreachable: Annotated[Seconds, Ge(0)] = 30.0
    """A partition whose leader is away for so long no longer holds event time back; its rows may come late."""

    dead_letters: DeadLetterTopic | None = None
    """Where messages go that cannot be read, beside the file of dead letters."""

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        given = [name for name in _SELECTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(f"`{name}`" for name in given) or "none"
            raise ValueError(
                f"give exactly one of `topics`, `pattern`, `join` and `partitions`; there is {found}"
            )
        if self.join is not None and self.sampling is not None and self.sampling.by != "id":
            raise ValueError(
                "in a join, `sampling` must go `by: id`: halves of a row have nothing else in common"
            )
        if self.partitions is not None and self.group not in {None, AUTO}:
            raise ValueError("`partitions` are read without a group: set `group: null`, or give `topics`")
        if self.member is not None and self.group is None:
            raise ValueError("`member` is a name in a group, and `group` is null: leave one of them out")
        if self.format == "avro" and self.registry is None:
            raise ValueError("`format: avro` needs a `registry`, which holds the schemas")
        if self.join is not None and self.assignor not in {"auto", "range"}:
            raise ValueError(
                "a join needs `assignor: range`, which keeps partitions of the same number together"
            )
        return self

    @model_validator(mode="after")
    def _letters_elsewhere(self) -> Self:
        letters = "" if self.dead_letters is None else self.dead_letters.topic
        if letters in self.topic_names or (letters and self.pattern and re.match(self.pattern, letters)):
            raise ValueError(f"dead letters in {letters!r} would be read again: name another topic for them")
        return self

    @property
    def assignor_name(self) -> str:
        """How partitions are dealt out."""
        if self.assignor != "auto":
            return self.assignor
        return "cooperative-sticky" if self.join is None else "range"

    def group_of(self, monitor: str) -> str | None:
        """The consumer group's name, None without one."""
        if not self.follow or self.partitions is not None or self.group is None:
            return None
        return f"driftd.{monitor}" if self.group == AUTO else self.group

    @property
    def message_sides(self) -> frozenset[str]:
        """Values beside the record are those of the one message, or of those that were joined."""
        return (
            frozenset({""}) if self.join is None else frozenset({"", "request", "response", "label", "join"})
        )

    @property
    def topic_names(self) -> tuple[str, ...]:
        """Names of the topics as far as they are known beforehand."""
        joined = () if self.join is None else tuple(self.join.sides)
        return self.topics or joined or tuple(self.partitions or ())

    @property
    def at_the_end(self) -> bool:
        """Reading begins with what comes from now on."""
        return self.start == "latest"

    @property
    def start_milliseconds(self) -> int:
        """`start` as a time, milliseconds since the epoch."""
        return round(datetime.fromisoformat(self.start).timestamp() * 1000)

    @property
    def fetch_bytes(self) -> int:
        """What one answer of a broker may bring."""
        return max(_LEAST_FETCH, min(self.buffer_bytes // 2, _USUAL_FETCH), self.buffer_bytes // 4)

    @property
    def partition_fetch_bytes(self) -> int:
        """What one answer may bring of one partition."""
        return max(_LEAST_FETCH, min(self.buffer_bytes // 2, _USUAL_FETCH), self.buffer_bytes // 16)

    @property
    def weight(self) -> float:
        """For how many messages one stands that is kept."""
        return 1.0 if self.sampling is None else 1.0 / self.sampling.rate

    def fit(self, records: Records) -> None:
        """See `SourceOptions.fit`."""
        if self.sampling is None or self.sampling.by != "id":
            return
        if self.join is not None:
            inside = any(not side.id.startswith("@") for side in self.join.chosen)
            if inside and self.registry is not None:
                raise ValueError(
                    "an identifier inside of Avro is known only after decoding: halves of a row would part"
                )
            return
        if records.id is None:
            raise ValueError(
                "`sampling` goes `by: id`, and `records` names no `id`: name it, or go `by: key`"
            )
        if records.expand is not None:
            raise ValueError("with `expand` a message has many identifiers: let `sampling` go `by: key`")
        if self.format == "avro" and not records.id.startswith("@"):
            raise ValueError(
                "an identifier inside of Avro is known only after decoding: let `sampling` go `by: key`"
            )

    def open(self, decoder: Decoder, monitor: str) -> KafkaStream:
        """The stream of the topics' rows."""
        from monitor.sources.kafka.source import KafkaStream

        return KafkaStream(self, decoder, monitor)

    def once(self) -> KafkaSource:
        """The topics as they are now, read without a group."""
        return self.model_copy(update={"follow": False})
