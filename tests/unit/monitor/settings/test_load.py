"""Configuration files: good ones give values, bad ones every mistake at once."""

from pathlib import Path

import pytest

from detectors.drift import Drift
from monitor.settings.load import load
from monitor.settings.mistakes import ConfigurationError
from monitor.settings.values import secrets
from sinks.webhook import WebhookSink

GOLDEN = Path(__file__).parents[3] / "golden" / "config"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MINIMAL = (
    "monitors: [{name: a, source: {type: files, path: logs}, reference: {type: file, path: r.driftref}%s}]\n"
)


def write(folder: Path, text: str) -> Path:
    """A configuration file of this text."""
    path = folder / "driftd.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((GOLDEN / "bad").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_mistake_is_told_with_line_key_and_hint(path: Path) -> None:
    """A bad file is refused with exactly the mistakes that stand beside it, in the order of its lines."""
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert expected == str(caught.value).replace(str(path.parent), "{folder}") + "\n"


def test_references_are_replaced(tmp_path: Path) -> None:
    """Variables, defaults, dollar signs and secret files end up in the values; relative paths in the file's folder."""
    (tmp_path / "secret.txt").write_text(f"{KEY}\n", encoding="utf-8")
    path = write(tmp_path, (GOLDEN / "good" / "references.yaml").read_text(encoding="utf-8"))
    settings = load(path, {"STATE_FOLDER": "states", "REGION": "eu"}).settings
    assert tmp_path / "states" / "driftd.state" == settings.state
    assert (9000, None) == (settings.http.port, settings.http.token_file)
    assert "warning" == settings.log.level
    sink = settings.sinks[0]
    assert isinstance(sink, WebhookSink)
    assert ("money-eu", {"x-price": "5$"}) == (sink.name, sink.headers)
    assert [KEY] == list(secrets(settings))
    assert (str(tmp_path / "logs" / "*.ndjson"), "/var/log/a.csv") == settings.monitors[0].source.path  # type: ignore[attr-defined]


def test_a_secret_does_not_stand_in_the_file(tmp_path: Path) -> None:
    """Whoever may read the configuration would see it; it comes from the environment or from a file of its own."""
    sinks = f"""sinks:
  - {{type: webhook, name: a, url: "https://a.example", secret: "{KEY}"}}
  - {{type: webhook, name: b, url: "https://b.example", secret: "${{S}}"}}
  - {{type: kafka, name: c, brokers: b, topic: t, sasl: {{mechanism: plain, username: u, password: hunter2}}}}
"""
    path = write(tmp_path, sinks + MINIMAL % "")
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"S": KEY})
    assert ["sinks[0].secret", "sinks[2].sasl.password"] == [mistake.key for mistake in caught.value.mistakes]
    assert [2, 4] == [mistake.line for mistake in caught.value.mistakes]
    assert "hunter2" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_no_secret_is_ever_printed(tmp_path: Path) -> None:
    """Neither values nor mistakes show a secret, even one that is refused."""
    text = 'sinks: [{type: webhook, url: "https://example.com", secret: "${S}"}]\n' + MINIMAL % ""
    path = write(tmp_path, text)
    assert KEY not in repr(load(path, {"S": KEY}))
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"S": "whsec_hunter2"})
    assert "hunter2" not in str(caught.value)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """`DRIFTD_HTTP__PORT` replaces the file's value, and a wrong value is blamed on the variable."""
    path = write(tmp_path, "http: {port: 1}\n" + MINIMAL % "")
    assert 9000 == load(path, {"DRIFTD_HTTP__PORT": "9000"}).settings.http.port
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"DRIFTD_HTTP__PORT": "ninety"})
    assert str(caught.value).startswith("environment variable DRIFTD_HTTP__PORT: http.port: ")


def test_unknown_driftd_variables_are_warned_about(tmp_path: Path) -> None:
    """A misspelt variable is named with a hint; variables that the file uses are known."""
    path = write(tmp_path, "state: ${DRIFTD_FOLDER}/x.state\n" + MINIMAL % "")
    loaded = load(
        path, {"DRIFTD_HTTP__PROT": "1", "DRIFTD_FOLDER": "/tmp", "DRIFTD_CONFIG": "x", "OTHER": "y"}
    )
    expected = "environment variable DRIFTD_HTTP__PROT is not known and has no effect (did you mean DRIFTD_HTTP__PORT?)"
    assert (expected,) == loaded.warnings


def test_tests_follow_the_monitors_level_unless_they_say_their_own(tmp_path: Path) -> None:
    """`level` and `effect` of the monitor hold for the verdict rule; an option of the test itself is stronger."""
    path = write(tmp_path, MINIMAL % ", level: 0.02, effect: 0.1, tests: [{type: drift, effect: 0.2}]")
    (drift,) = load(path, {}).settings.monitors[0].window_tests()
    assert isinstance(drift, Drift)
    assert (0.02, 0.2) == (drift.level, drift.effect)


def test_a_file_that_is_not_there_is_a_mistake_with_a_hint(tmp_path: Path) -> None:
    """No traceback: the message says how to make a configuration."""
    with pytest.raises(ConfigurationError, match=r"cannot be read: No such file or directory .*driftd init"):
        load(tmp_path / "driftd.yaml", {})


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a: \x00", b"\xef\xbb\xbf- 1", b"&a [*a]", b"a: &x [*x]"])
def test_strange_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever the bytes are, the answer is a mistake and not a crash."""
    path = tmp_path / "driftd.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError):
        load(path, {})


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    """Ten thousand brackets do not exhaust the stack."""
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        load(write(tmp_path, "a: " + "[" * 10_000 + "]" * 10_000), {})


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    """A billion laughs are refused before they take memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(ConfigurationError, match="too large"):
        load(write(tmp_path, "\n".join(lines)), {})
