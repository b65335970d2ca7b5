"""When retraining is asked for: once for each cause, within a cooldown and a budget, and by the calendar."""

from monitor.retraining.options import AtMost, RetrainingOptions, RetrainingWebhook
from monitor.retraining.policy import RetrainingMemory, decide, decide_by_calendar
from monitor.retraining.request import EVENT_TYPE, RetrainingRequest
from monitor.retraining.schedule import Schedule

__all__ = [
    "EVENT_TYPE",
    "AtMost",
    "RetrainingMemory",
    "RetrainingOptions",
    "RetrainingRequest",
    "RetrainingWebhook",
    "Schedule",
    "decide",
    "decide_by_calendar",
]
