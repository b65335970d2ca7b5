"""Who may ask, and what a browser may run."""

from pathlib import Path

from tests.unit.monitor.web.house import House


def test_other_sites_may_not_retry(house: House) -> None:
    """A form on another web page, sent by a browser on this machine, is refused."""
    path = "/api/v1/deliveries/msg_1/retry"
    refused = house.client.post(path, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert house.client.post(path, headers={"sec-fetch-site": "same-origin"}).status_code == 404


def test_the_token_guards_data_and_nothing_else(tmp_path: Path) -> None:
    """`/api` and `/metrics` need the token; probes and the empty page do not; a new token counts at once."""
    path = tmp_path / "token"
    path.write_text("first\n")
    with House(path) as house:
        client = house.client
        for guarded in ("/metrics", "/api/v1/monitors", "/api/v1/nowhere"):
            refused = client.get(guarded)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert client.get(guarded, headers={"authorization": "Bearer second"}).status_code == 401
            assert client.get(guarded, headers={"authorization": "Basic first"}).status_code == 401
            assert client.get(guarded, headers={"authorization": "Bearer first"}).status_code in {200, 404}
        assert [client.get(free).status_code for free in ("/", "/healthz", "/readyz")] == [200, 200, 503]
        path.write_text("second")
        assert client.get("/metrics", headers={"authorization": "bearer second"}).status_code == 200
        path.write_text("")
        assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
        path.unlink()
        assert client.get("/metrics", headers={"authorization": "Bearer second"}).status_code == 401


def test_the_page_runs_only_its_own_code(house: House) -> None:
    """The policy allows the style and the script in the file and no other host."""
    answer = house.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
