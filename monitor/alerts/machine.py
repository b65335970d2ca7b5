"""The states of alerts: pure functions from tracks and findings to tracks and what is to be told.

Time is event time and is handed in: a replay gives the same alerts as the day itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from detectors.base import Cause, Result, Verdict
from monitor.alerts.options import AlertOptions
from monitor.alerts.track import Findings, Track, fingerprint, summary, worst_first
from monitor.clock import MICROSECONDS
from sinks.base import Alert, AlertState, Severity

Tracks = Mapping[str, Track]
"""Alerts by fingerprint."""

_QUIET = (AlertState.INACTIVE, AlertState.RESOLVED)


def advance(
    tracks: Tracks, findings: Findings, options: AlertOptions, now: int
) -> tuple[dict[str, Track], list[Alert]]:
    """Take one closed window into account.

    An alert is held up while the latest verdict of any kind of window is bad. A window that cannot tell (no result of
    the cause, or only *insufficient* and *error*) changes nothing. A firing alert is resolved by a good window, when
    no kind of window is bad any more and `keep_firing_for` has passed since the last bad one.

    Args:
        tracks: all alerts of the monitor.
        findings: what the window says.
        options: the policy.
        now: event time of the window's end, microseconds since the epoch.

    Returns:
        The new tracks, and each alert whose state changed, as it is now.
    """
    changed = dict(tracks)
    told: list[Alert] = []
    for cause in Cause:
        of_cause = [result for result in findings.results if result.cause is cause]
        bad = [result for result in of_cause if result.verdict.value in options.on]
        if not bad and not any(r.verdict in (Verdict.OK, Verdict.WARNING) for r in of_cause):
            continue
        key = fingerprint(findings.monitor, findings.version, findings.segment, cause)
        before = changed.get(key)
        if bad:
            seen = _worse(before, findings, cause, bad, options=options, now=now)
        elif before is not None:
            seen = _better(before, findings, now)
        else:
            continue
        after = _move(seen, options)
        changed[key] = after
        if _worth_telling(before, after):
            told.append(after.alert)
    return changed, told


def expire(tracks: Tracks, options: AlertOptions, now: int) -> tuple[dict[str, Track], list[Alert]]:
    """Take back alerts of versions and segments that have closed no telling window for `expire_after`.

    Args:
        tracks: all alerts of the monitor.
        options: the policy.
        now: event time up to which the monitor has come, microseconds since the epoch.

    Returns:
        The new tracks, and the alerts that were taken back.
    """
    old = {k: t for k, t in tracks.items() if now - t.last_told >= _microseconds(options.expire_after)}
    ended, told = take_back(old, now)
    return {**tracks, **ended}, told


def take_back(tracks: Tracks, now: int) -> tuple[dict[str, Track], list[Alert]]:
    """End every alert that is pending or firing, because nobody will look at it any more.

    Args:
        tracks: alerts of a monitor that is no longer configured, or that have expired.
        now: the time of their end, microseconds since the epoch.

    Returns:
        The tracks that changed, and their alerts.
    """
    ended = {
        key: _end(replace(track, last_told=max(now, track.last_told)))
        for key, track in tracks.items()
        if track.alert.state not in _QUIET
    }
    return ended, [track.alert for track in ended.values()]


def keep_kinds(tracks: Tracks, kinds: Sequence[str]) -> dict[str, Track]:
    """Tracks that only kinds of windows hold up which still exist; for a configuration that changed."""
    return {key: replace(track, bad=track.bad & frozenset(kinds)) for key, track in tracks.items()}


def _better(before: Track, findings: Findings, now: int) -> Track:
    """The track after a good window, its state as before."""
    good = before.bad - {findings.window.name}
    return replace(before, bad=good, last_told=max(now, before.last_told))


def _worse(
    before: Track | None,
    findings: Findings,
    cause: Cause,
    bad: Sequence[Result],
    *,
    options: AlertOptions,
    now: int,
) -> Track:
    """The track after a bad window, with this window's evidence in it, its state as before."""
    drift = any(result.verdict is Verdict.DRIFT for result in bad)
    evidence = worst_first(bad)
    alert = Alert(
        fingerprint=fingerprint(findings.monitor, findings.version, findings.segment, cause),
        monitor=findings.monitor,
        version=findings.version,
        segment=findings.segment,
        cause=cause,
        state=AlertState.INACTIVE,
        severity=options.severity_of(cause, drift=drift),
        at=now,
        starts_at=now,
        ends_at=None,
        window=findings.window,
        columns=evidence,
        summary=summary(findings, cause, evidence),
        links=dict(findings.links),
    )
    if before is None:
        return Track(alert, frozenset({findings.window.name}), now, now)
    now = max(now, before.last_told)
    old = before.alert
    starts_at = now if old.state in _QUIET else old.starts_at
    alert = replace(alert, state=old.state, at=old.at, starts_at=starts_at)
    return Track(alert, before.bad | {findings.window.name}, now, now, before.resolved_at)


def _move(track: Track, options: AlertOptions) -> Track:
    """The track in the state that follows from what it has seen."""
    state, now = track.alert.state, track.last_told
    if not track.bad:
        kept = state is AlertState.FIRING and now - track.last_bad < _microseconds(options.keep_firing_for)
        return track if kept or state in _QUIET else _end(track)
    if state is AlertState.FIRING:
        return track
    held = now - track.alert.starts_at >= _microseconds(options.hold)
    cooled = track.resolved_at is None or now - track.resolved_at >= _microseconds(options.cooldown)
    if held and cooled:
        return _into(track, AlertState.FIRING)
    return track if state is AlertState.PENDING else _into(track, AlertState.PENDING)


def _end(track: Track) -> Track:
    """A firing alert is resolved; a pending one never was."""
    if track.alert.state is AlertState.FIRING:
        ended = replace(track.alert, ends_at=track.last_told)
        track = replace(track, alert=ended, resolved_at=track.last_told, bad=frozenset())
        return _into(track, AlertState.RESOLVED)
    return _into(replace(track, bad=frozenset()), AlertState.INACTIVE)


def _into(track: Track, state: AlertState) -> Track:
    return replace(track, alert=replace(track.alert, state=state, at=track.last_told))


def _worth_telling(before: Track | None, after: Track) -> bool:
    """The state changed, or a firing alert became more severe."""
    if before is None or before.alert.state is not after.alert.state:
        return True
    ranks = list(Severity)
    worse = ranks.index(after.alert.severity) > ranks.index(before.alert.severity)
    return after.alert.state is AlertState.FIRING and worse


def _microseconds(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
