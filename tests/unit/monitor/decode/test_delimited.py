"""CSV that is not what it should be."""

import pytest

from monitor.decode.delimited import read_block, read_header


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"2,Bo\rnn\n", "malformed_csv"),
        (b"\0\r\xff\n", "malformed_csv"),
        (b'2,"Bo\rnn"\n', None),
        (b"2,a,b\n", "wrong_field_count"),
    ],
)
def test_csv_that_is_none_is_rejected_alone(broken: bytes, reason: str | None) -> None:
    """A line end of another kind, or a file that is no text, costs the record that it stands in."""
    header = read_header(b"age,town\n")
    table = read_block(header, b'1,"Ulm"\n' + broken + b'3,"Essen"\n', "f", 9)
    assert [reason] * (reason is not None) == [reject.reason for reject in table.rejects]
    assert ["1", "3"] == [age for age in table.frame["age"].to_list() if age != "2"]
    assert [9, 9 + 8 + len(broken)] == [o for o in table.offsets if o != 17]
    assert all(17 == reject.offset for reject in table.rejects)


def test_csv_may_have_long_fields() -> None:
    """Longer ones than Python's csv takes of itself."""
    long = b"x" * 300_000
    table = read_block(read_header(b"age,town\n"), b'1,"' + long + b'"\n', "f", 9)
    assert [long.decode()] == table.frame["town"].to_list()


def test_a_header_that_is_no_text_has_names_too() -> None:
    """Whatever the first line of a file is, it is read."""
    assert ("a\rb", "c") == read_header(b"a\rb,c\n").names
