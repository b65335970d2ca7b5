"""How thorough a run of the tests is: at night there is time for more."""

import os

from hypothesis import settings

NIGHTLY = os.environ.get("DRIFTD_NIGHTLY") == "1"
"""Longer runs, and more of them."""

_LEAST = 20


def examples(most: int) -> settings:
    """For properties that take seconds: so many examples at night, and a third of them in other runs."""
    return settings(max_examples=most if NIGHTLY else max(_LEAST, most // 3))
