"""Records that are missing in the source as findings of the cause *source*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectors.base import Cause, Result, Verdict
from monitor.alerts.track import Findings, Track, fingerprint
from monitor.records import Gap
from sinks.base import Span

SOURCE_LOOK = "source"
"""The kind of window that such findings stand under."""

_WORDS = {
    "retention": "fell out of the topic's retention",
    "recreated": "were lost when the topic was deleted and created again",
    "truncated": "were cut off the log",
    "corrupt": "are in a broken batch",
}

_HINTS = {
    "retention": "reading was behind for longer than the topic keeps records: see its lag and `retention.ms`",
    "recreated": "somebody has deleted the topic and made it again",
    "truncated": "a broker that lacked the newest records became leader: see `unclean.leader.election.enable`",
    "corrupt": "look at the broker's disk, and at what the producer writes",
}


def words_of(gap: Gap) -> dict[str, object]:
    """What the log says of a gap, with what to look at."""
    size = {"bytes": gap.bytes} if gap.bytes else {}
    place = {"partition": gap.partition, "start": gap.start, "end": gap.end}
    return {**place, "reason": gap.reason, "records": gap.records, **size, "hint": _HINTS.get(gap.reason, "")}


def missing(monitor: str, gaps: Sequence[Gap], now: int, links: Mapping[str, str]) -> Findings:
    """What a look at the source says that found records missing.

    Args:
        monitor: whose source.
        gaps: what is missing.
        now: event time up to which the monitor has come, microseconds since the epoch.
        links: pages with more.
    """
    lost = sum(gap.records for gap in gaps)
    return Findings(monitor, "", "", Span(SOURCE_LOOK, now, now, lost), [_result(gap) for gap in gaps], links)


def nothing_missing(tracks: Mapping[str, Track], findings: Findings, now: int) -> Findings | None:
    """What resolves an alert about missing records: a whole window since the last of them, without another.

    Args:
        tracks: all alerts of the monitor.
        findings: of the window that was closed.
        now: event time of the window's end, microseconds since the epoch.

    Returns:
        The finding, or None where no such alert is held up or the window began before the gap was found.
    """
    track = tracks.get(fingerprint(findings.monitor, "", "", Cause.SOURCE))
    if track is None or SOURCE_LOOK not in track.bad:
        return None
    window = findings.window
    if not window.by_rows and window.start < track.last_bad:
        return None
    good = Result("", "gap", Verdict.OK, Cause.SOURCE, 0.0, rows=window.rows, detail="no gap since")
    return Findings(findings.monitor, "", "", Span(SOURCE_LOOK, now, now, 0), [good], findings.links)


def _result(gap: Gap) -> Result:
    detail = (
        f"{gap.records} records {_WORDS.get(gap.reason, gap.reason)}: offsets {gap.start} to {gap.end - 1}"
    )
    return Result(
        gap.partition, "gap", Verdict.DRIFT, Cause.SOURCE, float(gap.records), rows=gap.records, detail=detail
    )
