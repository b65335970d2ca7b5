"""Cron expressions as arithmetic: when is the next time after t."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain

from apscheduler.triggers.cron import CronTrigger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_HINT = "five fields as in crontab: minute hour day-of-month month day-of-week, such as 0 3 * * sun"


class Schedule:
    """A crontab expression in UTC, with cron's own rules.

    APScheduler counts weekdays from Monday, cron from Sunday, so weekdays are handed over by name. Where both the day
    of the month and the day of the week are restricted, either is enough, as in cron.
    """

    def __init__(self, expression: str) -> None:
        """Read an expression.

        Raises:
            ValueError: it is not one, or has no time to come.
        """
        fields = expression.split()
        if len(fields) != 5:  # noqa: PLR2004 - crontab has five fields
            raise ValueError(f"{expression!r} is not a cron expression: {_HINT}")
        minute, hour, day, month, weekday = fields
        either = day != "*" and weekday != "*"
        days = [(day, "*"), ("*", weekday)] if either else [(day, weekday)]
        try:
            self._triggers = [
                CronTrigger(
                    minute=minute, hour=hour, day=d, month=month, day_of_week=_weekdays(w), timezone=UTC
                )
                for d, w in days
            ]
        except ValueError as error:
            raise ValueError(f"{expression!r} is not a cron expression ({error}): {_HINT}") from None
        if self.next_after(0) is None:
            raise ValueError(f"{expression!r} never comes")

    def next_after(self, moment: int) -> int | None:
        """The first time of the schedule after a moment; both microseconds since the epoch, None when there is none."""
        after = _EPOCH + timedelta(microseconds=moment + 1)
        times = [trigger.get_next_fire_time(None, after) for trigger in self._triggers]
        known = [(time - _EPOCH) // timedelta(microseconds=1) for time in times if time is not None]
        return min(known, default=None)


def _weekdays(field: str) -> str:
    """Cron's weekday field (0 and 7 are Sunday) as names."""
    if field == "*":
        return field
    numbers = sorted(set(chain.from_iterable(_part(part) for part in field.lower().split(","))))
    return ",".join(_DAYS[number] for number in numbers)


def _part(part: str) -> list[int]:
    span, _, step_text = part.partition("/")
    step = int(step_text) if step_text else 1
    if span == "*":
        first, last = 0, 6
    else:
        low, dash, high = span.partition("-")
        first = _weekday(low)
        last = _weekday(high) if dash else (6 if step_text else first)
    if step < 1 or last < first:
        raise ValueError(f"the weekdays {part!r} cannot be read")
    return [number % 7 for number in range(first, last + 1, step)]


def _weekday(text: str) -> int:
    number = _DAYS.index(text) if text in _DAYS else int(text)
    if not 0 <= number <= 7:  # noqa: PLR2004 - 7 is Sunday again
        raise ValueError(f"there is no weekday {text!r}")
    return number
