"""Records that could not be read, as messages in a topic of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le
from pydantic import BaseModel, ConfigDict

from sinks.duration import Seconds
from sinks.kafka.publisher import Outgoing
from sinks.kafka.sink import Topic


class DeadLetterTopic(BaseModel):
    """A topic of the same cluster for messages that could not be read, beside the file that holds them anyway.

    The value is the message's own, of long ones the first 4 kB; headers say why, and where the message stands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Topic
    """The topic; driftd creates none."""

    timeout: Annotated[Seconds, Gt(0), Le(300)] = 15.0
    """Most time for connecting, and for the brokers' word that messages are written."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that could not be read.

    Attributes:
        id: the same for every try. monitor: who read it. reason: one word. detail: the parser's words.
        partition, offset: where it stands. data: its bytes. whole: these are all of them.
    """

    id: str
    monitor: str
    reason: str
    detail: str
    partition: str
    offset: int
    data: bytes
    whole: bool

    def message(self, topic: str) -> Outgoing:
        """As it is written: letters of one partition keep their order."""
        headers = {
            "id": self.id,
            "monitor": self.monitor,
            "reason": self.reason,
            "detail": self.detail,
            "partition": self.partition,
            "offset": str(self.offset),
        }
        if not self.whole:
            headers["truncated"] = "true"
        return Outgoing(topic, self.partition, self.data, headers)
