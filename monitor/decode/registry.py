"""Schemas by their numbers, from a registry that answers as Confluent's does."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import urllib3

from monitor.decode.formats import Format, ValueReader
from monitor.decode.registry_options import RegistryOptions
from monitor.decode.schemas import Schema, UnknownSchemaError
from monitor.sources.base import SourceError
from sinks.post import place_of

ACCEPT = "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json"
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.1
UNKNOWN_SECONDS = 60.0
"""How long a number that the registry did not know is taken to be unknown."""

LONGEST_ANSWER = 16 * 2**20
MOST_REFERENCES = 1000
_NO_SCHEMA = 40403
_NOT_THERE = frozenset({40401, 40402, 40403})
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER = 200, 401, 403, 404, 429, 500
_TOLD = 200


class SchemaRegistry:
    """Asks for schemas and remembers them: a number stands for the same schema for ever.

    References: Confluent Schema Registry API, `GET /schemas/ids/{id}` and `GET /subjects/{subject}/versions/{version}`.
    """

    def __init__(
        self,
        options: RegistryOptions,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._options = options
        self._clock = clock
        self._pause = pause
        self._pool: urllib3.PoolManager | None = None
        self._schemas: dict[int, Schema] = {}
        self._unknown: dict[int, tuple[float, str]] = {}

    def schema(self, number: int) -> Schema:
        """The schema of a number.

        Raises:
            UnknownSchemaError: there is none; asked again after a minute, as registries may lag behind one another.
            SourceError: the registry cannot be asked now.
        """
        if number in self._schemas:
            return self._schemas[number]
        until, words = self._unknown.get(number, (0.0, ""))
        if words and self._clock() < until:
            raise UnknownSchemaError(words)
        try:
            answer = self._get(f"/schemas/ids/{number}")
            found = Schema(
                str(answer.get("schemaType") or "AVRO"), _text(answer), tuple(self._references(answer))
            )
        except UnknownSchemaError as error:
            self._unknown[number] = (self._clock() + UNKNOWN_SECONDS, f"schema {number}: {error}")
            raise UnknownSchemaError(f"schema {number}: {error}") from None
        self._schemas[number] = found
        return found

    def close(self) -> None:
        """Give back connections."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _references(self, answer: dict[str, Any]) -> Iterator[str]:
        """Texts of everything that a schema refers to, each once, the deepest first."""
        seen: set[tuple[str, str]] = set()
        waiting: list[tuple[dict[str, Any], bool]] = [(part, False) for part in reversed(_listed(answer))]
        while waiting:
            reference, opened = waiting.pop()
            if opened:
                yield reference["text"]
                continue
            subject, version = str(reference.get("subject")), str(reference.get("version"))
            if (subject, version) in seen:
                continue
            seen.add((subject, version))
            if len(seen) > MOST_REFERENCES:
                raise UnknownSchemaError(f"refers to more than {MOST_REFERENCES} others")
            inner = self._get(f"/subjects/{quote(subject, safe='')}/versions/{quote(version, safe='')}")
            waiting.append(({"text": _text(inner)}, True))
            waiting += [(part, False) for part in reversed(_listed(inner))]

    def _get(self, path: str) -> dict[str, Any]:
        """An answer of the registry; several tries, at each of its addresses."""
        trouble, slow = SourceError("the schema registry was not asked"), False
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(FIRST_PAUSE_SECONDS * 4 ** (attempt - 1))
            for address in self._options.url:
                try:
                    return self._ask(address.rstrip("/"), path)
                except _AgainError as error:
                    trouble, slow = SourceError(str(error), error.hint), error.slow
            if slow:
                break
        raise trouble

    def _ask(self, address: str, path: str) -> dict[str, Any]:
        where = f"the schema registry {place_of(address)}"
        try:
            response = self._connections().request(
                "GET", address + path, headers=self._headers(), preload_content=False
            )
            body = response.read(LONGEST_ANSWER, decode_content=True)
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            slow = isinstance(error, urllib3.exceptions.TimeoutError)
            raise _AgainError(
                f"{where} cannot be reached: {_reason(error)}", _hint(error), slow=slow
            ) from None
        answer = _read(body)
        if response.status == _OK and answer is not None:
            return answer
        _judge(where, response.status, answer or {})
        raise _AgainError(f"{where} gave no JSON object", "is this the address of a schema registry?")

    def _connections(self) -> urllib3.PoolManager:
        if self._pool is None:
            options = self._options
            timeout = urllib3.Timeout(connect=options.timeout, read=options.timeout)
            self._pool = urllib3.PoolManager(
                retries=False, timeout=timeout, ssl_context=self._tls(), maxsize=1
            )
        return self._pool

    def _tls(self) -> ssl.SSLContext | None:
        options = self._options
        if not any(address.startswith("https:") for address in options.url):
            return None
        try:
            context = ssl.create_default_context(cafile=None if options.ca is None else str(options.ca))
            if options.certificate is not None:
                # never None: OpenSSL would ask for an encrypted key's password on the terminal and wait
                password = "" if options.key_password is None else options.key_password.get_secret_value()
                key = None if options.key is None else str(options.key)
                context.load_cert_chain(str(options.certificate), key, password)
        except (OSError, ssl.SSLError) as error:
            raise SourceError(f"a certificate for the schema registry cannot be used: {error}") from None
        context.check_hostname = options.verify_hostname
        return context

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": ACCEPT, "User-Agent": "driftd"}
        options = self._options
        if options.username is not None and options.password is not None:
            pair = f"{options.username}:{options.password.get_secret_value()}"
            headers |= urllib3.make_headers(basic_auth=pair)
        token = None if options.token is None else options.token.get_secret_value()
        if options.token_file is not None:
            try:
                token = options.token_file.read_text().strip()
            except OSError as error:
                raise SourceError(f"the registry's token cannot be read: {error}") from None
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return headers


def value_reader(form: Format, options: RegistryOptions | None) -> ValueReader:
    """What makes records of the values of a topic; nothing is asked before the first schema is needed."""
    return ValueReader(form, None if options is None else SchemaRegistry(options))


class _AgainError(Exception):
    """This try has failed, another may not; a `slow` one has taken its time, so the next waits for the loop."""

    def __init__(self, message: str, hint: str = "", *, slow: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.slow = slow


def _judge(where: str, status: int, answer: dict[str, Any]) -> None:
    """Raise what an answer other than a schema means."""
    code, words = answer.get("error_code"), str(answer.get("message", ""))[:_TOLD]
    if status == _NOT_FOUND and code in _NOT_THERE:
        raise UnknownSchemaError(words or "the registry does not have it")
    message = f"{where} answers {status}" + (f": {words}" if words else "")
    if status == _UNAUTHORIZED:
        raise SourceError(message, "check `registry.username` and `password`, or the token")
    if status == _FORBIDDEN:
        raise SourceError(message, "may this user read schemas? in Confluent it needs READ on the subjects")
    if status == _TOO_MANY or status >= _SERVER:
        raise _AgainError(message, "the registry is in trouble; it is asked again")
    if status != _OK:
        raise SourceError(message, "is `registry.url` the address of a schema registry?")


def _text(answer: dict[str, Any]) -> str:
    text = answer.get("schema")
    if not isinstance(text, str):
        raise UnknownSchemaError("the registry's answer holds no schema")
    return text


def _listed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("references") or []
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _reason(error: Exception) -> str:
    inner = error.args[-1] if error.args else error
    return str(inner).rpartition(">: ")[2][:_TOLD] or type(error).__name__


def _hint(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.SSLError):
        return "check `registry.ca`, and that the certificate carries the host's name"
    return "is the registry running, and may driftd reach it? records wait meanwhile"
