"""Messages as model servers and their loggers put them into Kafka, by their published formats.

Sources: CloudEvents 1.0 Kafka binding with KServe's payload logger (headers and body of its `logger/basic` sample),
Open Inference Protocol v2 REST, Seldon Core 1 and 2 over Kafka, TensorFlow Serving REST (NaN is a legal token), MLflow
scoring (`dataframe_records`), Azure ML's data collector, Confluent wire format.
"""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import fastavro
import pytest

from detectors.layout import Column, Kind, Role
from monitor.decode.decoder import Decoder
from monitor.decode.formats import ValueReader
from monitor.decode.mapping import Records
from monitor.decode.schemas import Schema
from tests.unit.monitor.decode.sent import Sent, sent

IRIS = b'{"instances":[[6.8,2.8,4.8,1.4],[6.0,3.4,4.5,1.6]]}'
CE = {
    "specversion": "1.0",
    "id": "0009174a-24a8-4603-b098-09c8799950e9",
    "type": "org.kubeflow.serving.inference.request",
    "source": "http://localhost:9081/",
    "time": "2021-04-10T00:23:26.0789529Z",
    "inferenceservicename": "sklearn-iris",
    "endpoint": "",
}
BINARY = [
    ("content-type", b"application/json"),
    *((f"ce_{name}", text.encode()) for name, text in CE.items()),
]
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=utf-8")]
IRIS_ROWS = {"instances-0": [6.8, 6.0], "instances-3": [1.4, 1.6]}
TIME = 1_618_014_206_078_952
LOAN = {
    "type": "record",
    "name": "Loan",
    "namespace": "bank",
    "fields": [{"name": "income", "type": "double"}, {"name": "region", "type": ["null", "string"]}],
}


def framed(value: dict[str, Any]) -> bytes:
    """An Avro record behind the number of its schema, 258."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(LOAN), value)
    return b"\x00\x00\x00\x01\x02" + stream.getvalue()


class Schemas:
    """The schema 258."""

    def schema(self, number: int) -> Schema:
        """The schema."""
        assert 258 == number
        return Schema("AVRO", json.dumps(LOAN))

    def close(self) -> None:
        """Nothing to give back."""


CASES: dict[str, tuple[Sent, dict[str, Any], dict[str, list[Any]]]] = {
    "kserve, binary": (
        Sent(IRIS, headers=BINARY),
        {
            "id": "@headers.ce_id",
            "timestamp": "@headers.ce_time",
            "expand": "$.instances",
            "features": "$.instances",
        },
        {**IRIS_ROWS, "@id": [f"{CE['id']}#0", f"{CE['id']}#1"], "@time": [TIME, TIME]},
    ),
    "kserve, structured": (
        Sent(json.dumps({**CE, "data": json.loads(IRIS)}).encode(), headers=STRUCTURED),
        {"id": "$.id", "timestamp": "$.time", "expand": "$.data.instances", "features": "$.data.instances"},
        {**IRIS_ROWS, "@id": [f"{CE['id']}#0", f"{CE['id']}#1"], "@time": [TIME, TIME]},
    ),
    "kserve, structured, base64": (
        Sent(json.dumps({**CE, "data_base64": base64.b64encode(IRIS).decode()}).encode(), headers=STRUCTURED),
        {
            "segments": ["$.inferenceservicename"],
            "expand": "$.data.instances",
            "features": "$.data.instances",
        },
        {**IRIS_ROWS, "@segment.inferenceservicename": ["sklearn-iris"] * 2},
    ),
    "open inference protocol 2": (
        Sent(b'{"id":"42","inputs":[{"name":"input-0","shape":[1,3],"datatype":"INT32","data":[1,2,3]}]}'),
        {"id": "$.id", "features": {"a": "$.inputs[0].data[0]", "b": "$.inputs[0].data[2]"}},
        {"@id": ["42"], "a": [1.0], "b": [3.0]},
    ),
    "seldon 1": (
        Sent(
            b'{"data":{"names":["a","b"],"ndarray":[[1,2],[3,4]]}}',
            headers=[
                ("type", b"io.seldon.serving.inference.request"),
                ("requestid", b"2b"),
                ("endpoint", b"default"),
            ],
        ),
        {
            "id": "@headers.requestid",
            "version": "@headers.endpoint",
            "expand": "$.data.ndarray",
            "features": "$.data.ndarray",
        },
        {
            "@id": ["2b#0", "2b#1"],
            "@version": ["default"] * 2,
            "ndarray-0": [1.0, 3.0],
            "ndarray-1": [2.0, 4.0],
        },
    ),
    "seldon 2": (
        Sent(
            b'{"model_name":"iris","outputs":[{"name":"predict","shape":[1,1],"datatype":"INT64","data":[2]}]}',
            key=b"0.iris.cv1",
            headers=[("x-request-id", b"cv1"), ("seldon-infer-type", b"json/inferModelResponse")],
        ),
        {
            "id": "@headers['x-request-id']",
            "version": "@key",
            "features": {"f": "$.none"},
            "prediction": "$.outputs[0].data[0]",
        },
        {"@id": ["cv1"], "@version": ["0.iris.cv1"], "data-0": ["2"]},
    ),
    "tensorflow serving": (
        Sent(b'{"instances":[{"a":NaN,"b":"x"},{"a":-Infinity,"b":"y"}]}'),
        {"expand": "$.instances", "features": "$.instances"},
        {"a": [float("nan"), float("-inf")], "b": ["x", "y"]},
    ),
    "mlflow": (
        Sent(b'{"dataframe_records":[{"a":1,"b":"x"},{"a":2,"b":"y"}]}'),
        {"expand": "$.dataframe_records", "features": "$.dataframe_records", "timestamp": "@timestamp"},
        {"a": [1.0, 2.0], "b": ["x", "y"], "@time": [1_700_000_000_000_000] * 2},
    ),
    "azure": (
        Sent(
            b'{"specversion":"1.0","id":"i","type":"azureml.inference.model_inputs","time":"2024-05-01T10:00:00Z",'
            b'"correlationid":"c7","modelversion":"5","data":[{"a":1.5,"b":"x"}]}'
        ),
        {"id": "$.correlationid", "version": "$.modelversion", "expand": "$.data", "features": "$.data"},
        {"@id": ["c7#0"], "@version": ["5"], "a": [1.5], "b": ["x"]},
    ),
    "confluent, avro": (
        Sent(framed({"income": 4200.5, "region": "north"}), key=b"k"),
        {"id": "@key", "features": "$.*"},
        {"@id": ["k"], "income": [4200.5], "region": ["north"]},
    ),
}
NUMERIC = ("instances-0", "instances-3", "a", "ndarray-0", "ndarray-1", "income")
CATEGORICAL = ("b", "region")


@pytest.mark.parametrize("case", CASES)
def test_message(case: str) -> None:
    """The row has the values that the format's specification gives the message."""
    message, options, expected = CASES[case]
    numeric = (*NUMERIC, "b") if isinstance(expected.get("b", [""])[0], float) else NUMERIC
    columns = [Column(name, Kind.NUMERIC) for name in numeric if name in expected]
    columns += [Column(n, Kind.CATEGORICAL) for n in CATEGORICAL if n in expected and n not in numeric]
    if "data-0" in expected:
        columns.append(Column("data-0", Kind.CATEGORICAL, Role.PREDICTION, integer=True))
    decoder = Decoder(Records.model_validate(options), columns)
    found = decoder.messages(sent(message), ValueReader("auto", Schemas()))
    assert [] == found.rejects
    shown = {name: found.frame[name].to_list() for name in expected}
    assert repr(expected) == repr(shown)
