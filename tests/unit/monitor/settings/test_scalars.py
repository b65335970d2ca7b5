"""What unquoted scalars mean."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.settings.scalars import AmbiguousScalarError, resolve_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("~", None), ("null", None), ("true", True), ("False", False), ("0", 0), ("-12", -12),
     ("0x1F", 31), ("0.5", 0.5), ("1.0e-3", 0.001), (".inf", math.inf), ("y", "y"), ("1h", "1h"), ("1.2.3", "1.2.3"),
     ("on it", "on it"), ("$.a", "$.a")],
)  # fmt: skip
def test_plain_scalars(text: str, value: object) -> None:
    """Where YAML 1.1 and 1.2 agree, the value is theirs."""
    found = resolve_scalar(text)
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize(
    "text",
    ["yes", "No", "ON", "off", "012", "0o17", "1e3", "1E-3", "1.5e3", "12:30", "1:30:00", "1_000", "0b11",
     "2024-01-31", "<<"],
)  # fmt: skip
def test_surprises_are_refused(text: str) -> None:
    """Where they do not agree, the scalar is refused with a hint."""
    with pytest.raises(AmbiguousScalarError) as caught:
        resolve_scalar(text)
    assert caught.value.hint


@given(st.text("0123456789+-.:_eExXoOabcfnytrulsTN", max_size=12))
def test_what_is_accepted_is_what_yaml_reads(text: str) -> None:
    """An accepted scalar that is no text has the same value in PyYAML, a YAML 1.1 reader."""
    try:
        found = resolve_scalar(text)
    except AmbiguousScalarError:
        return
    if isinstance(found, str):
        return
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    read = loader.construct_object(yaml.ScalarNode(tag, text))
    assert found == read or (found != found and read != read)  # noqa: PLR0124 - NaN
