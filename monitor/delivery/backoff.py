"""How long to wait after a failed delivery, and when to give up; pure functions, chance is handed in."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.clock import MICROSECONDS
from monitor.state.outbox import Entry
from sinks.base import DeliveryError

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
_DOUBLINGS = 12


@dataclass(frozen=True, slots=True)
class Again:
    """The next try is at this time, microseconds since the epoch."""

    at: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There is no next try until a person asks for one."""


def after_failure(
    entry: Entry, error: DeliveryError, *, now: int, give_up_after_seconds: float, chance: float
) -> Again | GiveUp:
    """What follows from a failure.

    The wait doubles from 1 s to 5 min, of which a random half is taken off, so that messages that failed together do
    not come back together. A Retry-After is waited out in full, with up to a tenth more. The last try of its own
    choice is at the deadline.

    Args:
        entry: the message, with the tries before this one.
        error: the failure.
        now: wall time, microseconds since the epoch.
        give_up_after_seconds: from the message's creation, or the last retry by hand, to the deadline.
        chance: uniform in [0, 1).
    """
    deadline = entry.give_up_from + round(give_up_after_seconds * MICROSECONDS)
    if not error.retryable or now >= deadline:
        return GiveUp()
    if error.retry_after is not None:
        return Again(now + round(error.retry_after * (1 + chance / 10) * MICROSECONDS))
    wait = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(entry.attempts, _DOUBLINGS))
    return Again(min(now + round(wait * (1 - chance / 2) * MICROSECONDS), deadline))
