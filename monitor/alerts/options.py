"""When a verdict becomes an alert."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from pydantic import BaseModel, ConfigDict, Field

from detectors.base import Cause
from sinks.base import Severity
from sinks.duration import Seconds

SEVERITIES: Mapping[Cause, Severity] = MappingProxyType(
    {
        Cause.SOURCE: Severity.CRITICAL,
        Cause.SCHEMA: Severity.CRITICAL,
        Cause.SERVICE: Severity.CRITICAL,
        Cause.CONCEPT_DRIFT: Severity.CRITICAL,
        Cause.DATA_DRIFT: Severity.WARNING,
        Cause.PREDICTION_DRIFT: Severity.WARNING,
    }
)
"""How much each cause matters where the configuration does not say."""


class AlertOptions(BaseModel):
    """One alert for each monitor, version, segment and cause, with Alertmanager's states."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_alias=True,
        validate_by_name=True,
    )

    hold: Seconds = Field(default=0.0, alias="for")
    """How long the condition must hold before the alert fires, in event time; until then it is pending."""

    keep_firing_for: Seconds = 0.0
    """How long after the last bad window a good one may resolve the alert."""

    cooldown: Seconds = 0.0
    """After it was resolved, an alert stays pending for this long before it may fire again."""

    on: Annotated[tuple[Literal["warning", "drift"], ...], MinLen(1)] = ("drift",)
    """Verdicts that make alerts; those from *warning* alone have the severity `info`."""

    severity: dict[Cause, Severity] = Field(default_factory=dict)
    """Severity by cause; drift of data and of predictions is `warning` and the others `critical` where not given."""

    expire_after: Annotated[Seconds, Gt(0)] = 7 * 86400.0
    """An alert whose version and segment closed no window that could tell for this long (and for at least three of the
    longest windows) is taken back."""

    def severity_of(self, cause: Cause, *, drift: bool) -> Severity:
        """The severity of an alert of this cause."""
        return self.severity.get(cause, SEVERITIES[cause]) if drift else Severity.INFO
