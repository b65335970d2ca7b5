"""CloudEvents in messages: the envelope as the record, its data always at `data`.

Reference: CloudEvents 1.0, JSON format and Kafka protocol binding. In binary mode the value is the data and the
attributes are headers (`@headers.ce_id`), so nothing is to be done there.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from monitor.decode.json_line import MALFORMED_JSON, NOT_AN_OBJECT, BadLineError, read_line
from monitor.decode.texts import json_text

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages

BAD_BASE64 = "malformed_base64"
_EVENTS = b"application/cloudevents"
_BATCH = b"application/cloudevents-batch"
_ENCODED = b'"data_base64"'
_NAMES = ("content-type", "Content-Type")

Mask = npt.NDArray[np.bool_]


def unwrapped(value: bytes) -> bytes:
    """Events as JSON lines whose `data` is what `data_base64` holds, where that is JSON; others stay as they are.

    Raises:
        BadLineError: it is no event.
    """
    if value.lstrip()[:1] != b"[":
        return json_text(_with_data(read_line(value)))
    try:
        events = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadLineError(MALFORMED_JSON, str(error)) from None
    if not all(isinstance(event, dict) for event in events):
        raise BadLineError(NOT_AN_OBJECT, "the batch holds something that is no event")
    return b"\n".join([json_text(_with_data(event)) for event in events])


def wrapped(messages: Messages) -> Mask:
    """Messages in structured mode whose data has to be unwrapped, by their content type; shape (n,)."""
    found = np.zeros(len(messages), np.bool_)
    if not messages.header_counts.any():
        return found
    if _EVENTS not in messages.data or not (_ENCODED in messages.data or _BATCH in messages.data):
        return found
    for name in _NAMES:
        kinds = messages.header_column(name)
        found |= np.array([(kind or b"").startswith(_EVENTS) for kind in kinds], np.bool_)
    return found & ~messages.nulls


def _with_data(event: dict[str, Any]) -> dict[str, Any]:
    encoded = event.get("data_base64")
    if not isinstance(encoded, str):
        return event
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadLineError(BAD_BASE64, f"data_base64: {error}") from None
    try:
        return {**event, "data": read_line(data)}
    except BadLineError:
        return event
