"""What is remembered of an alert between two windows, and how it is told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from detectors.base import Cause, Result, Verdict
from sinks.base import Alert, Evidence, Span
from sinks.timestamps import rfc3339

MAX_COLUMNS = 10
"""Findings that an alert carries."""

_NAMED = 3
_WORDS = {
    Cause.SOURCE: "trouble with the source",
    Cause.SCHEMA: "schema changes",
    Cause.DATA_DRIFT: "data drift",
    Cause.PREDICTION_DRIFT: "prediction drift",
    Cause.CONCEPT_DRIFT: "concept drift",
    Cause.SERVICE: "service trouble",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What one closed window says, or one look at the source.

    Attributes:
        monitor, version, segment: whose window.
        window: its kind, span and rows.
        results: all findings, of all causes.
        links: pages with more, by name.
    """

    monitor: str
    version: str
    segment: str
    window: Span
    results: Sequence[Result]
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Track:
    """One alert between two windows.

    Attributes:
        alert: as it was told last, with the newest evidence.
        bad: kinds of windows whose latest verdict holds the alert up.
        last_bad: event time of the latest bad window.
        last_told: event time of the latest window that could tell, bad or good.
        resolved_at: when the episode before this one was resolved; None before the first.
    """

    alert: Alert
    bad: frozenset[str]
    last_bad: int
    last_told: int
    resolved_at: int | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values from which `from_json` makes it again."""
        return {
            "alert": self.alert.to_json(),
            "bad": sorted(self.bad),
            "last_bad": self.last_bad,
            "last_told": self.last_told,
            "resolved_at": self.resolved_at,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Track:
        """The track that `to_json` described."""
        rest = {name: saved[name] for name in ("last_bad", "last_told", "resolved_at")}
        return cls(Alert.from_json(saved["alert"]), frozenset(saved["bad"]), **rest)


def fingerprint(monitor: str, version: str, segment: str, cause: Cause) -> str:
    """An alert's identity: the same for every episode, on every machine."""
    return _digest([monitor, version, segment, cause.value])[:16]


def message_id(alert: Alert, destination: str) -> str:
    """The id of the message that tells a destination of this state in this episode; stable, and without a dot."""
    parts = [alert.fingerprint, alert.starts_at, alert.state.value, alert.severity.value, destination]
    return f"alert_{_digest(parts)[:32]}"


def episode(alert: Alert) -> str:
    """The name of one episode of an alert, from pending to resolved."""
    return f"{alert.fingerprint}@{alert.starts_at}"


def worst_first(results: Sequence[Result]) -> tuple[Evidence, ...]:
    """The findings that count, worst first: by verdict, then by effect size, then by how far beyond the threshold."""
    return tuple(Evidence.of(result) for result in sorted(results, key=_goodness)[:MAX_COLUMNS])


def _goodness(result: Result) -> tuple[float, ...]:
    effect = abs(result.effect_size) if result.effect_size is not None else 0.0
    beyond = result.statistic / result.threshold if result.threshold else 0.0
    return (-result.verdict.rank, *(-n if n == n else 0.0 for n in (effect, beyond)))  # noqa: PLR0124 - NaN


def columns(alert: Alert) -> list[str]:
    """Names of the columns in the alert's evidence, worst first, each once; none for findings on the window."""
    return list(dict.fromkeys(evidence.column for evidence in alert.columns if evidence.column))


def summary(findings: Findings, cause: Cause, evidence: Sequence[Evidence]) -> str:
    """One sentence for people."""
    where = findings.monitor
    where += f", version {findings.version}" if findings.version else ""
    where += f", segment {findings.segment}" if findings.segment else ""
    names = list(dict.fromkeys(e.column for e in evidence if e.column and e.verdict != Verdict.OK))
    what = ", ".join(names[:_NAMED]) or next((e.detail for e in evidence if e.detail), "")
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{_WORDS[cause]} in {where}" + (f": {what}{more}" if what else "")


def alert_line(alert: Alert) -> dict[str, Any]:
    """The public line of `replay --format json` about a change of state."""
    return {
        "type": "alert",
        "monitor": alert.monitor,
        "version": alert.version,
        "segment": alert.segment,
        "cause": alert.cause.value,
        "state": alert.state.value,
        "at": rfc3339(alert.at),
        "columns": columns(alert),
    }


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()
