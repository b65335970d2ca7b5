"""Spans of time: what people write, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from sinks.duration import Seconds, format_duration, parse_duration


class Options(BaseModel):
    """A model with a span."""

    wait: Seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15),
        ("1h30m", 5400),
        ("30d", 2_592_000),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (" 2w ", 1_209_600),
        ("7", 7),
    ],
)
def test_spans_are_read_as_people_write_them(text: str, seconds: float) -> None:
    """Units add up; a bare number is seconds."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize(
    "value", ["", "h", "1 fortnight", "-1s", "1h-30m", True, None, [], "nan", float("inf"), -3]
)
def test_anything_else_is_refused_with_a_hint(value: object) -> None:
    """The message says what a span looks like."""
    with pytest.raises(ValueError, match="1h30m"):
        parse_duration(value)


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_what_is_written_is_read_back(seconds: float) -> None:
    """Writing a span and reading it gives the same number."""
    assert seconds == parse_duration(format_duration(seconds))


def test_options_hold_seconds_and_write_spans() -> None:
    """In the code it is a float; in JSON the text that people would write."""
    options = Options.model_validate({"wait": "1h30m"})
    assert options.wait == 5400.0
    assert options.model_dump(mode="json") == {"wait": "1h30m"}
    with pytest.raises(ValidationError):
        Options.model_validate({"wait": "soon"})
