"""A YAML text as plain values, with the line of every key; strict about what YAML lets pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from monitor.settings.interpolation import InterpolationError
from monitor.settings.mistakes import ConfigurationError, Key, Mistake, key_path
from monitor.settings.scalars import AmbiguousScalarError, resolve_scalar

_MAX_VALUES = 100_000
_MAX_DEPTH = 64
_STANDARD = "tag:yaml.org,2002:"
_TAGS = frozenset({"str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value"})


@dataclass
class Document:
    """What the file says, before it is checked against the models.

    Attributes:
        value: mappings, lists and scalars; {} for an empty file.
        lines: 1-based line of each key and list item by its path; the document itself under ().
        referring: paths of the scalars that hold a reference to the environment or to a file.
        mistakes: what was wrong on the level of YAML and of references.
    """

    value: Any
    lines: dict[tuple[Key, ...], int]
    referring: set[tuple[Key, ...]] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, keys: tuple[Key, ...]) -> int:
        """The line of the innermost part of the path that stands in the file."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.lines:
                return self.lines[keys[:length]]
        return self.lines.get((), 1)


def read_document(text: str, source: str, interpolate: Callable[[str], str]) -> Document:
    """Parse a configuration.

    Args:
        text: the YAML.
        source: its name in messages.
        interpolate: replaces references in a scalar, raising `InterpolationError`.

    Raises:
        ConfigurationError: it is not YAML at all. All other mistakes are collected in the document.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        there = text.splitlines()[line - 1 : line]
        hint = 'inside { } quote references: "${NAME}"' if there and "${" in there[0] else ""
        raise ConfigurationError([Mistake(line, source, "", f"is not YAML: {reason}", hint)]) from None
    except yaml.YAMLError as error:
        raise ConfigurationError([Mistake(0, source, "", f"is not YAML: {error}".splitlines()[0])]) from None
    except RecursionError:
        raise ConfigurationError([Mistake(0, source, "", "is nested too deeply")]) from None
    reader = _Reader(source, interpolate)
    value = {} if node is None else reader.read(node, ())
    return Document({} if value is None else value, reader.lines, reader.referring, reader.mistakes)


@dataclass
class _Reader:
    source: str
    interpolate: Callable[[str], str]
    lines: dict[tuple[Key, ...], int] = field(default_factory=dict)
    referring: set[tuple[Key, ...]] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)

    def read(self, node: yaml.Node, keys: tuple[Key, ...]) -> Any:
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if len(keys) > _MAX_DEPTH or len(self.lines) > _MAX_VALUES:
            raise ConfigurationError(
                [
                    Mistake(
                        self.lines[keys], self.source, key_path(keys[:4]), "is nested too deeply or too large"
                    )
                ],
            )
        if node.tag.removeprefix(_STANDARD) not in _TAGS:
            self._mistake(node, keys, f"has the tag {node.tag}", "leave the tag out")
            return UNREADABLE
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*keys, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, keys)

    def _mapping(self, node: yaml.MappingNode, keys: tuple[Key, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._mistake(key_node, keys, "has a key that is not a word")
                continue
            key = str(key_node.value)
            path = (*keys, key)
            if key == "<<" and key_node.style is None:
                self._mistake(
                    key_node,
                    path,
                    "merge keys are not supported",
                    "repeat the keys, or use an alias for one value",
                )
            elif key in values:
                first = self.lines[path]
                self._mistake(key_node, path, f"stands twice (first in line {first})", "keep one of the two")
            else:
                self.lines[path] = key_node.start_mark.line + 1
                values[key] = self.read(value_node, path)
        return values

    def _scalar(self, node: yaml.Node, keys: tuple[Key, ...]) -> Any:
        text = str(node.value)
        quoted = getattr(node, "style", None) is not None
        try:
            replaced = self.interpolate(text)
            if replaced != text:
                self.referring.add(keys)
            if quoted:
                return replaced
            if replaced != text:
                return replaced or None
            return resolve_scalar(text)
        except (InterpolationError, AmbiguousScalarError) as error:
            self._mistake(node, keys, str(error), error.hint)
            return UNREADABLE

    def _mistake(self, node: yaml.Node, keys: tuple[Key, ...], message: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(node.start_mark.line + 1, self.source, key_path(keys), message, hint))


class Unreadable:
    """Stands for a value whose mistake has been noted already, so that it is not reported twice."""


UNREADABLE = Unreadable()
