"""The corpus: good records, and at least 200 bad ones among them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

START = 1_700_000_000
FEATURES = ("age", "income", "city", "flag")
NUMBERS = ("age", "income")


@dataclass(frozen=True)
class Bad:
    """A line that is no record, and why."""

    line: bytes
    reason: str


def good(i: int) -> bytes:
    """A record as a serving process writes it."""
    record = {
        "id": f"r{i}",
        "at": START + i,
        "x": {
            "age": 20 + i % 50,
            "income": i * 1.25,
            "city": ("Rome", "Oslo", "Lima")[i % 3],
            "flag": i % 2 == 0,
        },
        "y": i % 2,
    }
    return json.dumps(record, separators=(",", ":")).encode()


def bad(seed: int = 0) -> list[Bad]:
    """Bad records of every sort, in random order."""
    random_ = random.Random(seed)
    found = [
        *_cut(random_),
        *_not_objects(),
        *_broken_text(random_),
        *_numbers(),
        *_duplicates(),
        *_deep(),
        *_long(),
        *_times(),
        *_nothing(),
    ]
    random_.shuffle(found)
    return found


def odd(i: int) -> list[bytes]:
    """Records that are counted, although a value in them is not what its column holds."""
    values = [
        '"42"',
        '"4e3"',
        "true",
        "{}",
        '{"a":1}',
        "[]",
        "[1]",
        '"word"',
        "NaN",
        "Infinity",
        "-Infinity",
        "null",
    ]
    values += [
        "1e308",
        "-0",
        "1" * 19,
        "123456789012345678901234567890",
        '"\\ud83d"',
        '"\\u0000"',
        '"' + "é" * 3000 + '"',
    ]
    line = good(i).decode()
    return [
        line.replace(f'"{name}":{json.loads(line)["x"][name]}', f'"{name}":{value}').encode()
        for name in NUMBERS
        for value in values
    ]


def _cut(random_: random.Random) -> Iterator[Bad]:
    """Lines that end too early, or begin too late."""
    for i in range(60):
        line = good(i)
        place = random_.randrange(1, len(line))
        yield Bad(line[:place], "malformed_json")
    for i in range(20):
        line = good(i)
        yield Bad(line[random_.randrange(1, 10) :], "malformed_json")
    yield from (Bad(good(i) + good(i + 1), "malformed_json") for i in range(5))
    yield from (Bad(good(i) + b",", "malformed_json") for i in range(3))
    yield from (Bad(good(i).replace(b'"', b"'"), "malformed_json") for i in range(3))
    yield from (Bad(good(i).replace(b":", b"=", 1), "malformed_json") for i in range(3))
    yield from (
        Bad(good(i).replace(b"true", b"tru").replace(b"false", b"fals"), "malformed_json") for i in range(3)
    )


def _not_objects() -> Iterator[Bad]:
    for text in (
        b"[]",
        b"[1,2]",
        b"null",
        b"true",
        b"12",
        b'"text"',
        b"[" + good(1) + b"]",
        b"-1.5e3",
        b"NaN",
    ):
        yield Bad(text, "not_an_object")
    for text in (
        b"# a comment",
        b"id,at,age",
        b"<html></html>",
        b"Traceback (most recent call last):",
        b"\x00\x01",
        b"}{",
    ):
        yield Bad(text, "malformed_json")


def _broken_text(random_: random.Random) -> Iterator[Bad]:
    """Bytes that are no UTF-8, inside and outside of texts."""
    for i in range(15):
        wrong = bytes([random_.choice([0x80, 0xBF, 0xC0, 0xF5, 0xFF])])
        yield Bad(good(i).replace(b'"city":"', b'"city":"' + wrong), "invalid_utf8")
    yield Bad(good(1).decode().encode("utf-16"), "invalid_utf8")
    yield Bad(good(1).replace(b"Oslo", "Málaga".encode("latin-1")), "invalid_utf8")
    yield Bad(good(1).replace(b"Oslo", b"\xe2\x82"), "invalid_utf8")
    yield from (Bad(good(i).replace(b'"city":"', b'"city":"\x07'), "malformed_json") for i in range(5))
    yield from (Bad(good(i).replace(b'"city":"', b'"city":"\\x'), "malformed_json") for i in range(5))


def _numbers() -> Iterator[Bad]:
    """Numbers that no double holds, and writings that JSON does not have."""
    for text in (b"1e400", b"-1e400", b"1E999", b"9" * 400):
        for name in (b"age", b"income", b"more"):
            yield Bad(
                b'{"id":"n","at":1700000000,"x":{"age":1,"income":2,"city":"Rome","flag":true},"y":1,"z":0}'.replace(
                    b'"z":0', b'"%s":%s' % (name, text)
                ),
                "out_of_range_number",
            )
    for text in (
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"1.e5",
        b"0x1F",
        b"1_000",
        b"nan",
        b"inf",
        b"--1",
        b"1e",
        b"1,5.",
        b"$5",
    ):
        line = b'{"id":"n","at":1700000000,"x":{"age":%s,"income":2.5,"city":"Rome","flag":true},"y":1}'
        yield Bad(line % text, "malformed_json")


def _duplicates() -> Iterator[Bad]:
    for i in range(5):
        yield Bad(good(i).replace(b'"x":{', b'"x":{"age":1,'), "duplicate_key")
        yield Bad(good(i)[:-1] + b',"id":"again"}', "duplicate_key")
        yield Bad(good(i)[:-1] + b',"more":[{"a":1,"a":1}]}', "duplicate_key")


def _deep() -> Iterator[Bad]:
    for depth in (200, 1_000, 5_000, 10_000, 100_000):
        yield Bad(
            b'{"id":"d","at":1700000000,"x":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}", "too_deep"
        )
        yield Bad(b'{"id":"d","at":1700000000,"x":{"age":' + b"[" * depth + b"]" * depth + b"}}", "too_deep")
        yield Bad(b"[" * depth, "too_deep")


def _long() -> Iterator[Bad]:
    """Records beyond the limit of 1 MiB."""
    for megabytes in (2, 5, 9):
        yield Bad(
            b'{"id":"l","at":1700000000,"x":{"city":"' + b"x" * (megabytes * 2**20) + b'"}}', "too_long"
        )
    yield Bad(b" " * 20 + b"y" * (5 * 2**20), "too_long")
    yield Bad(b'{"id":"l","x":[' + b"1," * (2**20) + b"1]}", "too_long")


def _times() -> Iterator[Bad]:
    for text in (
        '"yesterday"',
        '"2024-13-01T00:00:00Z"',
        '"2024-02-30"',
        "true",
        "{}",
        "[1700000000]",
        "NaN",
        "1e300",
        '"12:30"',
    ):
        line = good(1).decode().replace(f'"at":{START + 1}', f'"at":{text}')
        yield Bad(line.encode(), "bad_time")
    for text in ('"at":null,', '"at":"",', ""):
        line = good(1).decode().replace(f'"at":{START + 1},', text)
        yield Bad(line.encode(), "missing_time")


def _nothing() -> Iterator[Bad]:
    """Records in which nothing stands that is looked for."""
    for text in (
        b"{}",
        b'{"id":"e","at":1700000000}',
        b'{"id":"e","at":1700000000,"x":null,"y":null}',
        b'{"id":"e","at":1700000000,"x":{}}',
        b'{"id":"e","at":1700000000,"x":[]}',
        b'{"id":"e","at":1700000000,"x":{"age":null,"income":null,"city":null,"flag":null},"y":null}',
        b'{"a":1,"b":2}',
    ):
        yield Bad(text, "empty_record")
