"""Lines that are worked on in place."""

import numpy as np

from monitor.decode.blocks import Block
from monitor.decode.matching import _Lines


def test_lines_are_given_back_although_somebody_looks() -> None:
    """Whoever keeps a look at the lines, as profilers do, gets in nobody's way; what was changed in them is there."""
    data = b'{"a":1}\n{"a":2}\n'
    for keep in (False, True):
        lines = _Lines(Block(data, 0), np.arange(2), 16)
        lines.chars[5] = ord("7")
        held = lines.chars if keep else None
        assert b'{"a":7}\n{"a":2}\n' == lines.text()
        assert held is None or len(held) == len(data) + 16
