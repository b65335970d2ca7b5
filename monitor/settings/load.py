"""From a file and the environment to `Settings`, or to every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from monitor.settings.document import Document, read_document
from monitor.settings.errors import mistakes_of
from monitor.settings.interpolation import Interpolation
from monitor.settings.mistakes import ConfigurationError, Key, Mistake, key_path
from monitor.settings.root import Settings
from monitor.settings.values import absolute, placed_secrets
from monitor.settings.vocabulary import did_you_mean

PREFIX = "DRIFTD_"
RESERVED = frozenset({"DRIFTD_CONFIG"})
_MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that is right.

    Attributes:
        settings: the values.
        path: the file they came from.
        warnings: what is not wrong but looks like a slip.
    """

    settings: Settings
    path: Path
    warnings: tuple[str, ...] = ()


def load(path: Path, environment: Mapping[str, str] | None = None) -> Loaded:
    """Read and check a configuration file.

    `DRIFTD_HTTP__PORT=9000` and the like replace what the file says about top-level values, `http` and `log`.

    Args:
        path: the YAML file.
        environment: variables to use instead of the process's own.

    Raises:
        ConfigurationError: with every mistake.
    """
    variables = os.environ if environment is None else environment
    source = str(path)
    folder = path.absolute().parent
    interpolation = Interpolation(variables, folder)
    document = read_document(_read(path), source, interpolation)
    mistakes = list(document.mistakes)
    if not isinstance(document.value, dict):
        raise ConfigurationError([*mistakes, Mistake(1, source, "", "should be a mapping of keys to values")])
    overrides = _override(document, variables)
    try:
        settings = Settings.model_validate(document.value, context={"folder": folder})
    except ValidationError as error:
        mistakes += mistakes_of(error.errors(include_url=False), document, source, overrides)
        raise ConfigurationError(mistakes) from None
    mistakes += _open_secrets(settings, document, source)
    if mistakes:
        raise ConfigurationError(mistakes)
    used = interpolation.used | set(overrides.values()) | RESERVED
    return Loaded(absolute(settings, folder), path, _unknown_variables(variables, used))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        hint = "make one with: driftd init DATA --output driftd.yaml"
        raise ConfigurationError(
            [Mistake(0, str(path), "", f"cannot be read: {error.strerror}", hint)]
        ) from None
    if len(data) > _MAX_BYTES:
        raise ConfigurationError([Mistake(0, str(path), "", f"is longer than {_MAX_BYTES} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Mistake(line, str(path), "", "is not UTF-8 text")]) from None


def overridable() -> dict[str, tuple[str, ...]]:
    """Environment variables that replace a value of the file, with the value's keys."""
    found: dict[str, tuple[str, ...]] = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found.update({f"{PREFIX}{name}__{inner}".upper(): (name, inner) for inner in kind.model_fields})
        elif name not in {"sinks", "monitors"}:
            found[f"{PREFIX}{name}".upper()] = (name,)
    return found


def _override(document: Document, variables: Mapping[str, str]) -> dict[tuple[Key, ...], str]:
    """Put values of the environment over those of the file; returns which variable set which keys."""
    overrides: dict[tuple[Key, ...], str] = {}
    for variable, keys in overridable().items():
        if variable not in variables:
            continue
        place: dict[str, Any] = document.value
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            place = inner if isinstance(inner, dict) else {}
        place[keys[-1]] = variables[variable] or None
        overrides[keys] = variable
    return overrides


def _open_secrets(settings: Settings, document: Document, source: str) -> list[Mistake]:
    """Secrets that stand in the file itself, where whoever may read the configuration sees them."""
    hint = "write ${NAME} for a variable of the environment, or ${file:/run/secrets/name}"
    return [
        Mistake(document.lines[keys], source, key_path(keys), "is a secret in plain text", hint)
        for keys, _ in placed_secrets(settings)
        if keys in document.lines and keys not in document.referring
    ]


def _unknown_variables(variables: Mapping[str, str], used: set[str]) -> tuple[str, ...]:
    known = {*overridable(), *used}
    return tuple(
        f"environment variable {name} is not known and has no effect"
        + (f" ({hint})" if (hint := did_you_mean(name, known)).startswith("did") else "")
        for name in sorted(variables)
        if name.startswith(PREFIX) and name not in known
    )
