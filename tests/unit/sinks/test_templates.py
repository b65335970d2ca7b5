"""Templates: values are put in, nothing is evaluated."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sinks.base import Alert
from sinks.events import EXAMPLE_ALERT, alert_event
from sinks.templates import TemplateError, fill, fill_headers
from sinks.webhook import WebhookSink

EVENT: dict[str, Any] = {"id": "m1", "data": {"rows": 7, "none": None, "list": [{"a": 1.5}], "flag": True}}
URL = "http://127.0.0.1:1/hook"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def body_of(template: str, **options: Any) -> Any:
    """The body that a webhook of this template sends for the example."""
    sink = WebhookSink(url=URL, template=template, **options)
    return orjson.loads(sink._request("m1", alert_event(EXAMPLE_ALERT))[0])


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("${{ data.rows }}", 7),
        ("${{data}}", EVENT["data"]),
        ("${{ data.none }}", None),
        ("${{ data.list.0.a }}", 1.5),
        ("id-${{ id }}.${{ data.rows }}", "id-m1.7"),
        ("${{ data.flag }} ${{ data.none }}|${{ data.list }}", 'true |[{"a":1.5}]'),
        (["${{ id }}", {"${{ id }}": "${{ id }}"}, 3], ["m1", {"${{ id }}": "m1"}, 3]),
        ("${ id } $${{ id }} {{ id }}", "${ id } $m1 {{ id }}"),
    ],
)
def test_references_become_what_lies_there(template: Any, filled: Any) -> None:
    """A whole reference keeps the type; inside text it becomes text; keys stay as they are."""
    assert filled == fill(template, EVENT)


@pytest.mark.parametrize(
    "path", ["nope", "data.nope", "data.rows.x", "data.list.first", "id.0", "data..rows"]
)
def test_a_path_to_nowhere_is_told(path: str) -> None:
    """The message names the path; the failure is for good, another try would fail too."""
    with pytest.raises(TemplateError, match=path) as caught:
        fill(f"a ${{{{ {path} }}}}", EVENT)
    assert not caught.value.retryable


def test_a_list_may_be_shorter_than_the_template_hopes() -> None:
    """An alert without columns fills `columns.0.column` with null instead of failing."""
    assert fill({"worst": "${{ data.columns.0.column }}"}, {"data": {"columns": []}}) == {"worst": None}


@given(JSON, st.text(max_size=30))
def test_what_is_put_in_is_not_looked_at_again(value: Any, text: str) -> None:
    """Values that look like references stay what they are."""
    event = {"value": {"inner": value, "text": "${{ secret }}" + text}, "secret": "s3cret"}
    assert event["value"] == fill("${{ value }}", event)
    assert fill("<${{ value.text }}>", event) == f"<${{{{ secret }}}}{text}>"


@given(st.text(max_size=40))
def test_a_value_cannot_begin_another_header(text: str) -> None:
    """Control characters of values become spaces in headers."""
    (header,) = fill_headers({"X-Name": "n ${{ name }}"}, {"name": text}).values()
    assert header.isprintable()


def test_airflow_gets_its_keys_and_no_others() -> None:
    """Airflow 3 wants `logical_date` and refuses unknown keys; the run's id makes repeats harmless."""
    body = body_of("airflow")
    assert set(body) == {"logical_date", "dag_run_id", "conf", "note"}
    assert (body["logical_date"], body["dag_run_id"]) == (None, "driftd-m1")
    assert body["conf"]["data"]["cause"] == "data_drift"
    assert set(body_of("airflow2")) == {"dag_run_id", "conf"}


def test_github_gets_few_keys() -> None:
    """`client_payload` has at most ten keys and the event's name at most 100 characters."""
    body = body_of("github")
    assert set(body) == {"event_type", "client_payload"}
    assert len(body["client_payload"]) <= 10
    assert body["event_type"] == "driftd.alert.firing"
    sink = WebhookSink(url=URL, template="github")
    headers = sink._request("m1", alert_event(EXAMPLE_ALERT))[1]
    assert headers["Accept"] == "application/vnd.github+json"


def test_argo_and_generic_get_the_event() -> None:
    """The generic body is `type`, `timestamp`, `data`; Argo's sensors get the id with it."""
    event = orjson.loads(orjson.dumps(alert_event(EXAMPLE_ALERT)))
    assert event == body_of("generic")
    assert {**event, "id": "m1"} == body_of("argo")


def test_a_body_of_ones_own() -> None:
    """`custom` sends what the configuration says, Kubeflow's run request for instance."""
    template = {
        "display_name": "driftd-${{ id }}",
        "runtime_config": {
            "parameters": {"columns": "${{ data.columns }}", "rows": "${{ data.window.rows }}"}
        },
    }
    body = body_of("custom", body=template)
    assert body["display_name"] == "driftd-m1"
    assert body["runtime_config"]["parameters"]["rows"] == 5000
    assert body["runtime_config"]["parameters"]["columns"][0]["column"] == "salary_range"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"template": "custom"}, "needs one"),
        ({"body": {"a": 1}}, "template: custom"),
        ({"template": "custom", "body": "${{ data.colour }}"}, "no 'colour' there"),
        ({"headers": {"X": "${{ nothing }}"}}, "no 'nothing' there"),
        ({"headers": {"Webhook-Signature": "mine"}}, "driftd sets the header"),
    ],
)
def test_a_wrong_template_is_refused_when_it_is_configured(options: dict[str, Any], words: str) -> None:
    """Templates are tried on an example before anything has to be delivered."""
    with pytest.raises(ValidationError, match=words):
        WebhookSink(url=URL, **options)


def test_the_longest_evidence_fits_github() -> None:
    """Twenty findings with names and words of full length stay under 64 kB."""
    example = EXAMPLE_ALERT.to_json()
    column = {**example["columns"][0], "column": "\U0001f600" * 200, "detail": "\U0001f600" * 200}
    alert = Alert.from_json({**example, "columns": [column] * 20})
    body, _ = WebhookSink(url=URL, template="github")._request("m1", alert_event(alert))
    assert len(body) < 64_000
