"""What the values of messages look like."""

import pytest

from monitor.first_look.topic import kind_of


@pytest.mark.parametrize(
    ("value", "headers", "kind"),
    [
        (None, {}, "no value (tombstone)"),
        (b'  {"a": 1}', {}, "JSON object"),
        (b'\xef\xbb\xbf{"a": 1}', {}, "JSON object"),
        (b'{"a": 1}\n{"a": 2}\n', {}, "lines of JSON"),
        (b'{\n  "a": 1\n}', {}, "JSON object"),
        (b"[1, 2]", {}, "JSON array"),
        (b"\x00\x00\x00\x00\x07\x02", {}, "Confluent wire format (Avro or JSON with a schema registry)"),
        (b'{"a": 1}', {"ce_id": b"1"}, "CloudEvent, binary: JSON object"),
        (b"{}", {"content-type": b"application/cloudevents+json; charset=utf-8"}, "CloudEvent, structured"),
        (b"a,b,c", {}, "text"),
        (b"\xff\xfe\x01", {}, "bytes of another format"),
        (b"", {}, "text"),
    ],
)
def test_kinds(value: bytes | None, headers: dict[str, bytes | None], kind: str) -> None:
    """Each kind of value is named so that people know it again."""
    assert kind == kind_of(value, headers)
