"""Where links in alerts lead."""

import pytest
from pydantic import ValidationError

from monitor.settings.root import HttpSettings

BOUND = "http://127.0.0.1:9465"


def test_the_page_is_where_the_server_listens_or_where_people_reach_it() -> None:
    """Behind a proxy the address that driftd listens on is no use to people."""
    assert "http://127.0.0.1:9465/" == HttpSettings().page(BOUND)
    assert "https://drift.example.com/eu/" == HttpSettings(public_url="https://drift.example.com/eu").page(
        BOUND
    )
    assert "https://drift.example.com/" == HttpSettings(public_url="https://drift.example.com/").page(BOUND)


def test_a_public_url_has_a_scheme() -> None:
    """A bare host name is refused: it would be no link."""
    with pytest.raises(ValidationError):
        HttpSettings(public_url="drift.example.com")
