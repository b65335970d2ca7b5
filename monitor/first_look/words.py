"""The names that people give to the columns of a prediction log."""

from __future__ import annotations

import re
from typing import Final

_BOUNDARY = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def _phrases(text: str) -> tuple[str, ...]:
    """Names in the order of preference, as words between commas."""
    return tuple(phrase.strip() for phrase in text.split(","))


TIMESTAMP: Final = _phrases(
    """
    timestamp, ts, event time, event timestamp, datetime, date time, request time,
    request timestamp, logged at, created at, received at, time stamp, inference time,
    prediction time, time, timestamp ms, time hour, at
    """,
)
ID: Final = _phrases(
    """
    id, uuid, guid, request id, prediction id, inference id, event id, record id, row id,
    transaction id, correlation id, trace id, uid
    """,
)
PREDICTION: Final = _phrases(
    """
    y pred, prediction, predicted, pred, y hat, yhat, predicted label, predicted class,
    prediction label, predicted value, model prediction, pred label, forecast, y predicted
    """,
)
SCORE: Final = _phrases(
    """
    y pred proba, predicted probability, score, proba, probability, prediction score,
    prediction probability, pred proba, y score, y proba, y prob, model score, confidence,
    predict proba, positive probability
    """,
)
LABEL: Final = _phrases(
    """
    y, target, label, class, y true, actual, actuals, ground truth, truth, true label, true class,
    outcome, observed, is label, actual value, labels, feedback
    """,
)
OUTCOMES: Final = _phrases(
    """
    survived, churn, churned, is churn, fraud, is fraud, is phishing, converted, clicked, is spam,
    repaid, defaulted, is default, is converted
    """,
)
LATENCY: Final = _phrases(
    """
    latency, response time, request duration, request latency, elapsed, inference latency,
    execution time, duration, processing time, took
    """,
)
STATUS: Final = (
    "status",
    "status code",
    "http status",
    "http status code",
    "response code",
    "response status",
)
VERSION: Final = _phrases(
    """
    model version, version, model ver, deployed model id, modelversion, model revision, model tag
    """,
)
PARTITION: Final = ("partition", "split", "fold", "data split", "dataset", "subset", "part")
DATE_PARTS: Final = frozenset(
    {"year", "yr", "month", "mnth", "week", "quarter", "date", "dteday", "day", "hour"}
)
COUNTERS: Final = frozenset(
    {"row", "index", "instant", "unnamed", "rownum", "counter", "sequence", "seq", "offset"}
)
UNITS: Final = {
    "ms": "ms", "millis": "ms", "milliseconds": "ms", "us": "us", "micros": "us", "microseconds": "us",
    "ns": "ns", "nanoseconds": "ns", "s": "s", "sec": "s", "secs": "s", "seconds": "s",
}  # fmt: skip


def words(name: str) -> tuple[str, ...]:
    """A name's words in lower case.

    >>> words("y_pred_proba"), words("modelVersion")
    (('y', 'pred', 'proba'), ('model', 'version'))
    """
    return tuple(part.lower() for part in _BOUNDARY.split(name) if part)


def likeness(name: str, known: tuple[str, ...]) -> int:
    """How well a name fits a list: the more, the better; 0 for not at all.

    The list is in the order of preference. Words that only tell the origin (`derived`, `utc`) are left out.
    """
    phrase = " ".join(word for word in words(name) if word not in {"derived", "utc", "the", *UNITS})
    for phrase_or_squeezed in (phrase, phrase.replace(" ", "")):
        if phrase_or_squeezed in known:
            return len(known) - known.index(phrase_or_squeezed)
    return 0


def unit_of(name: str) -> str | None:
    """The unit of time in a name such as `latency_ms`; None where there is none."""
    found = [UNITS[word] for word in words(name) if word in UNITS]
    return found[-1] if found else None
