"""When retraining is asked for, and whom."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Ge, Gt
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from detectors.base import Cause
from monitor.retraining.request import from_alerts
from monitor.retraining.schedule import Schedule
from sinks.duration import Seconds
from sinks.events import EXAMPLE_ALERT
from sinks.webhook import Webhook


def _checked_schedule(expression: str) -> str:
    Schedule(expression)
    return expression


class RetrainingWebhook(Webhook):
    """The receiver of retraining calls: a pipeline's trigger, or any receiver of Standard Webhooks."""

    @model_validator(mode="after")
    def _template_fits(self) -> Self:
        self.check(from_alerts([EXAMPLE_ALERT], ["example"], EXAMPLE_ALERT.at).event())
        return self


class AtMost(BaseModel):
    """A budget of calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: Annotated[int, Ge(1)] = 3
    """Most calls in any span of `per`."""

    per: Annotated[Seconds, Gt(0)] = 30 * 86400.0
    """The span."""


class RetrainingOptions(BaseModel):
    """Retraining calls: once for each episode of a cause, within a cooldown and a budget, and by the calendar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    causes: tuple[Cause, ...] = (Cause.DATA_DRIFT, Cause.CONCEPT_DRIFT)
    """Causes whose firing alerts ask for retraining."""

    min_rows: Annotated[int, Ge(0)] = 0
    """An alert counts once a window with so many rows shows it."""

    cooldown: Seconds = 86400.0
    """Least time between two calls of a monitor; what happens meanwhile waits, if it lasts."""

    at_most: AtMost = AtMost()
    """Budget of calls of a monitor."""

    schedule: Annotated[str, AfterValidator(_checked_schedule)] | None = None
    """Cron expression in UTC (`0 3 * * sun`) for calls by the calendar; cooldown and budget hold for them too."""

    webhook: RetrainingWebhook
    """Who is called."""
