"""Alerts pushed to Prometheus Alertmanager."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import orjson
from annotated_types import Gt, Le, MinLen
from pydantic import Field

from sinks.base import Alert, AlertState, DeliveryError, Sink
from sinks.duration import Seconds
from sinks.post import Target, place_of, post, reach
from sinks.timestamps import rfc3339
from sinks.webhook import Url

_PATH = "/api/v2/alerts"
_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
_DESCRIBED = 5


class AlertmanagerSink(Sink):
    """Alerts to every replica of an Alertmanager, which groups, silences and routes them.

    Alertmanager forgets an alert that is not sent anew, so firing ones are repeated every minute. A message counts as
    delivered when one replica took it; the others get it with the next repeat.
    """

    type: Literal["alertmanager"] = "alertmanager"

    repeat_seconds: ClassVar[float] = 60.0

    urls: Annotated[tuple[Url, ...], MinLen(1)]
    """Base addresses of all replicas, such as `http://alertmanager:9093`; never a load balancer."""

    labels: dict[Annotated[str, Field(pattern=_LABEL)], str] = Field(default_factory=dict)
    """Further labels for routing, such as a team."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers, as for authorisation."""

    timeout: Annotated[Seconds, Gt(0), Le(300)] = 10.0
    """Most time for one call."""

    ca_file: Path | None = None
    """Certificates to trust instead of the system's, PEM."""

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:  # noqa: ARG002 - labels are the identity
        """Post one alert to every replica.

        Raises:
            DeliveryError: no replica took it.
        """
        body = orjson.dumps([self.posted(alert, now)])
        headers = {"Content-Type": "application/json", "User-Agent": "driftd", **self.headers}
        failures = [error for _, error in self._failures(lambda target: post(target, body, headers, now=now))]
        if len(failures) == len(self.urls):
            waits = [error.retry_after for error in failures if error.retry_after is not None]
            raise DeliveryError(
                "; ".join(str(error) for error in failures),
                retryable=any(error.retryable for error in failures),
                retry_after=min(waits, default=None),
            )

    def reach(self) -> None:
        """See whether every replica is there.

        Raises:
            DeliveryError: some are not; alerts go to the others.
        """
        if failures := self._failures(reach):
            raise DeliveryError("; ".join(f"{place_of(url)}: {error}" for url, error in failures))

    def _failures(self, turn_to: Callable[[Target], object]) -> list[tuple[str, DeliveryError]]:
        """Turn to each replica; the addresses of those with which it did not go well, and why."""
        ca_file = None if self.ca_file is None else str(self.ca_file)
        failures = []
        for url in self.urls:
            try:
                turn_to(Target(url.rstrip("/") + _PATH, self.timeout, ca_file=ca_file))
            except DeliveryError as error:
                failures.append((url, error))
        return failures

    def posted(self, alert: Alert, now: int) -> dict[str, Any]:
        """The alert in Alertmanager's form: labels are the identity, numbers stand in annotations."""
        labels = {
            "alertname": "Driftd" + "".join(part.capitalize() for part in alert.cause.value.split("_")),
            "monitor": alert.monitor,
            "version": alert.version,
            "segment": alert.segment,
            "cause": alert.cause.value,
            "severity": alert.severity.value,
            **self.labels,
        }
        over = alert.state is not AlertState.FIRING
        ends_at = now if over else now + round(4 * self.repeat_seconds * 1e6)
        return {
            "labels": {name: value for name, value in labels.items() if value},
            "annotations": {"summary": alert.summary, "description": _description(alert)},
            "startsAt": rfc3339(min(alert.starts_at, now)),
            "endsAt": rfc3339(ends_at),
            "generatorURL": next(iter(alert.links.values()), ""),
        }


def _description(alert: Alert) -> str:
    return "\n".join(
        f"{evidence.column or 'window'}: {evidence.test} {evidence.verdict} {evidence.detail}".strip()
        for evidence in alert.columns[:_DESCRIBED]
    )
