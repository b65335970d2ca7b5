"""Which topics are joined, by what, and how long one half waits for the other."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator

from monitor.decode.paths import PlaceText
from monitor.settings.options import Options
from monitor.sources.joining.sides import LABEL, REQUEST, RESPONSE
from sinks.duration import Seconds

TopicName = Annotated[str, Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")]


class SideOptions(Options):
    """One of the topics."""

    topic: TopicName
    """Name of the topic."""

    id: PlaceText = "@key"
    """Where a message has its identifier: `@key`, `@headers.ce_id`, `$.request_id`, …"""


class JoinOptions(Options):
    """Requests, responses and labels that lie in topics of their own.

    The joined record is `{"request": …, "response": …, "label": …}`.
    """

    request: SideOptions
    """What the model was asked."""

    response: SideOptions
    """What it answered."""

    label: SideOptions | None = None
    """What turned out to be true."""

    wait: Annotated[Seconds, Gt(0)] = 600.0
    """How long one half waits for the other, in record time; then it counts as `unjoined`."""

    label_wait: Annotated[Seconds, Ge(0)] = 3600.0
    """How long request and response wait for their label; then they go on without it."""

    max_bytes: Annotated[int, Ge(2**20)] = 2**28
    """Memory for what waits. Beyond it the oldest is given up and counted as `evicted`."""

    partitions: Literal["any", "same"] = "any"
    """`same`: an identifier lies in the same partition number of all topics (same number of partitions, keyed by it).

    Several daemons in one group need this, and can then hand partitions over without losing or repeating a row.
    """

    @model_validator(mode="after")
    def _topics_differ(self) -> Self:
        if len(self.sides) < 2 + (self.label is not None):
            raise ValueError("request, response and label need a topic each")
        return self

    @property
    def chosen(self) -> tuple[SideOptions, ...]:
        """The topics that are joined."""
        return tuple(side for side in (self.request, self.response, self.label) if side is not None)

    @property
    def sides(self) -> dict[str, int]:
        """The side of each topic."""
        options = ((REQUEST, self.request), (RESPONSE, self.response), (LABEL, self.label))
        return {side.topic: number for number, side in options if side is not None}
