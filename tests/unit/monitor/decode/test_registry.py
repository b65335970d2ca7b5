"""The client of schema registries: what it asks, remembers, and makes of every kind of answer."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.decode.registry import ACCEPT, ATTEMPTS, UNKNOWN_SECONDS, SchemaRegistry, value_reader
from monitor.decode.registry_options import RegistryOptions
from monitor.decode.schemas import UnknownSchemaError
from monitor.sources.base import SourceError
from tests.brokers.certificates import Authority
from tests.unit.monitor.decode.registry_server import Registry, running
from tests.unit.monitor.decode.sent import sent
from tests.unit.monitor.decode.wire import LOAN, avro


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry with one schema."""
    with running(Registry()) as found:
        found.add(7, {"type": "string"})
        yield found


class Clock:
    """A clock that tests move; pauses move it too."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        """Seconds."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Let time go by at once."""
        self.pauses.append(seconds)
        self.now += seconds


def client(registry: Registry, clock: Clock | None = None, **options: Any) -> SchemaRegistry:
    """A client whose pauses take no time."""
    clock = clock or Clock()
    address = options.pop("url", registry.address)
    return SchemaRegistry(RegistryOptions(url=address, **options), clock, clock.pause)


def test_a_schema_is_asked_for_once(registry: Registry) -> None:
    """A number stands for one schema for ever: it is asked for once."""
    asking = client(registry)
    first, second = asking.schema(7), asking.schema(7)
    assert ("AVRO", '{"type": "string"}') == (first.kind, first.text)
    assert first is second
    assert ["/schemas/ids/7"] == registry.asked
    assert "application/vnd.schemaregistry.v1+json" in ACCEPT
    asking.close()


def test_references_come_before_what_needs_them(registry: Registry) -> None:
    """References are followed as deep as they go, each once, and those that others need come first."""
    refer = [{"name": f"n.{x}", "subject": f"s/{x}", "version": 1} for x in "abc"]
    registry.add(8, "main", references=refer[:2])
    registry.subjects = {
        ("s/a", "1"): {"id": 1, "schema": "A", "references": [refer[2], refer[1]]},
        ("s/b", "1"): {"id": 2, "schema": "B", "references": [refer[2]]},
        ("s/c", "1"): {"id": 3, "schema": "C"},
    }
    asking = client(registry)
    assert ("C", "B", "A") == asking.schema(8).references
    assert 4 == len(registry.asked)
    asking.close()


def test_circles_of_references_end(registry: Registry) -> None:
    """Schemas that refer to one another in a circle are no endless work."""
    refer = {"name": "n", "subject": "s", "version": 1}
    registry.add(8, "main", references=[refer])
    registry.subjects = {("s", "1"): {"schema": "S", "references": [refer]}}
    asking = client(registry)
    assert ("S",) == asking.schema(8).references
    asking.close()


def test_unknown_number_is_remembered_for_a_while(registry: Registry) -> None:
    """A number that the registry does not know is the record's fault, and is asked for again after a minute."""
    clock = Clock()
    asking = client(registry, clock)
    for _ in range(2):
        with pytest.raises(UnknownSchemaError, match="schema 9: Schema 9 not found"):
            asking.schema(9)
    assert 1 == len(registry.asked)
    registry.add(9, "later")
    clock.now += UNKNOWN_SECONDS
    assert "later" == asking.schema(9).text
    asking.close()


def test_missing_reference_is_the_records_fault(registry: Registry) -> None:
    """A reference that is gone makes the schema unusable, not the registry."""
    registry.add(8, "main", references=[{"name": "n", "subject": "gone", "version": 2}])
    asking = client(registry)
    with pytest.raises(UnknownSchemaError, match="Subject 'gone' not found"):
        asking.schema(8)
    asking.close()


@pytest.mark.parametrize(
    "failure",
    [
        (500, b'{"error_code":50001,"message":"Error in the backend"}'),
        (503, b""),
        (429, b"{}"),
        (200, b"<html>"),
        (0, b""),
    ],
)
def test_a_short_trouble_is_waited_for(registry: Registry, failure: tuple[int, bytes]) -> None:
    """Servers in trouble, busy ones and hung-up calls are asked again after a growing pause."""
    registry.failures = [failure] * (ATTEMPTS - 1)
    clock = Clock()
    asking = client(registry, clock)
    assert "AVRO" == asking.schema(7).kind
    assert [0.1, 0.4] == pytest.approx(clock.pauses)
    asking.close()


def test_a_long_trouble_is_an_error_of_the_source(registry: Registry) -> None:
    """When no try helps, the records must wait; nothing is remembered against the schema."""
    registry.failures = [(500, b'{"error_code":50001,"message":"Error in the backend"}')] * ATTEMPTS
    asking = client(registry)
    with pytest.raises(SourceError, match="answers 500: Error in the backend"):
        asking.schema(7)
    assert "AVRO" == asking.schema(7).kind
    asking.close()


def test_nobody_there(registry: Registry) -> None:
    """A registry that is not running is an error of the source that says so; another address is tried."""
    away = "http://127.0.0.1:9"
    asking = client(registry, url=away)
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9 cannot be reached: .*refused") as caught:
        asking.schema(7)
    assert "records wait" in caught.value.hint
    second = client(registry, url=f"{away}, {registry.address}/")
    assert "AVRO" == second.schema(7).kind
    second.close()


@pytest.mark.parametrize("name", ["basic", "token", "file"])
def test_who_may_ask(registry: Registry, name: str, tmp_path: Path) -> None:
    """Basic authentication and bearer tokens let in; a wrong one is an error with a hint and without the secret."""
    (tmp_path / "token").write_text("tok-s3cret\n")
    if name == "basic":
        registry.user = ("key", "s3cret")
        right: dict[str, Any] = {"username": "key", "password": "s3cret"}
        wrong: dict[str, Any] = {"username": "key", "password": "no-s3cret"}
    else:
        registry.token = "tok-s3cret"
        right = {"token": "tok-s3cret"} if name == "token" else {"token_file": str(tmp_path / "token")}
        wrong = {"token": "no-s3cret"}
    asking = client(registry, **right)
    assert "AVRO" == asking.schema(7).kind
    asking.close()
    refused = client(registry, **wrong)
    with pytest.raises(SourceError, match="answers 401: Unauthorized") as caught:
        refused.schema(7)
    assert "registry.username" in caught.value.hint
    assert "s3cret" not in str(caught.value) + caught.value.hint + repr(refused._options)
    refused.close()


def test_who_may_not_read(registry: Registry) -> None:
    """Without the right to read the records wait, with a hint at what is missing."""
    registry.forbidden = True
    asking = client(registry)
    with pytest.raises(SourceError, match="answers 403: User is denied") as caught:
        asking.schema(7)
    assert "READ" in caught.value.hint
    asking.close()


def test_not_a_registry(registry: Registry) -> None:
    """An address where something else answers does not make schemas unknown."""
    asking = client(registry, url=registry.address + "/elsewhere")
    with pytest.raises(SourceError, match="answers 404") as caught:
        asking.schema(7)
    assert "registry.url" in caught.value.hint
    asking.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"username": "a"}, "belong together"),
        ({"token": "a", "token_file": "b"}, "exclude one another"),
        ({"key": "k.pem"}, "certificate"),
        ({"url": "http://user:word@host"}, "user name or password inside"),
        ({"url": "registry:8081"}, "http"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], words: str) -> None:
    """Halves of identities and addresses that are none are refused."""
    with pytest.raises(ValidationError, match=words):
        RegistryOptions.model_validate({"url": "http://localhost", **options})


def test_answers_of_the_wrong_shape(registry: Registry) -> None:
    """An answer without a schema is no schema."""
    registry.schemas[3] = {"schemaType": "JSON"}
    registry.schemas[4] = {"schema": json.dumps({"type": "object"}), "schemaType": "JSON", "references": "x"}
    asking = client(registry)
    with pytest.raises(UnknownSchemaError, match="holds no schema"):
        asking.schema(3)
    assert "JSON" == asking.schema(4).kind
    asking.close()


def test_tls(tmp_path: Path) -> None:
    """The registry's authority is checked, and driftd shows its own certificate where one is asked for."""
    authority = Authority(tmp_path)
    server, me = authority.issue("registry"), authority.issue("driftd", password="pass")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.load_cert_chain(server.certificate, server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    own: dict[str, Any] = {"certificate": str(me.certificate), "key": str(me.key), "key_password": "pass"}
    registry = Registry()
    registry.add(7, "x")
    with running(registry, context):
        asking = client(registry, ca=str(authority.certificate), **own)
        assert "x" == asking.schema(7).text
        asking.close()
        stranger = client(registry, **own)
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            stranger.schema(7)
        assert "registry.ca" in caught.value.hint
        unreadable = client(registry, ca=str(tmp_path / "none.pem"))
        with pytest.raises(SourceError, match="certificate for the schema registry cannot be used"):
            unreadable.schema(7)


def test_records_of_a_registry_that_was_away(registry: Registry) -> None:
    """Messages that could not be read while the registry was in trouble are read once it answers, asking once."""
    registry.add(7, LOAN)
    registry.failures = [(401, b'{"error_code":401,"message":"Unauthorized"}')]
    values = value_reader("auto", RegistryOptions.model_validate({"url": registry.address}))
    decoder = Decoder(Records(), (Column("a", Kind.NUMERIC), Column("b", Kind.CATEGORICAL)))
    messages = sent(
        avro(LOAN, {"a": 1.5, "b": "x"}, 7), avro(LOAN, {"a": 1.5, "b": "x"}, 8), b'{"a": 2, "b": "y"}'
    )
    with pytest.raises(SourceError, match="401"):
        decoder.messages(messages, values)
    for _ in range(2):
        found = decoder.messages(messages, values)
        assert [1.5, 2.0] == found.frame["a"].to_list()
        assert [("unknown_schema", "schema 8: Schema 8 not found")] == [
            (r.reason, r.detail) for r in found.rejects
        ]
    assert ["/schemas/ids/7", "/schemas/ids/7", "/schemas/ids/8"] == registry.asked
    values.close()
