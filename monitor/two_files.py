"""Two files become a reference and a window, with the columns' roles found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.layout import Role
from monitor.compare import Comparison, compare
from monitor.decode.mapping import Records
from monitor.first_look.mapping import inputs, mapping
from monitor.first_look.raw import Raw, look
from monitor.first_look.roles import SINGLE, Roles, guess_roles
from monitor.referencing import SUFFIX, fit_reference, load_reference
from monitor.settings.monitors import MonitorSettings
from monitor.sources.whole import read_rows

if TYPE_CHECKING:
    from detectors.reference import Reference

_MODELLED = {Role.PREDICTION: "prediction", Role.SCORE: "score", Role.LABEL: "label"}


def compare_files(
    reference: str, current: str, given: Mapping[str, Sequence[str]]
) -> tuple[Comparison, list[str]]:
    """Compare two files by the default tests.

    Args:
        reference: a data file or a built reference.
        current: a data file, a folder or a glob.
        given: columns by role, as the user says.

    Returns:
        What changed, and remarks for the user.

    Raises:
        NoDataError: a file cannot be read or has no rows.
        UnknownColumnError: a given column does not exist.
        ReferenceUnusableError: the reference cannot be used.
    """
    now = look([current])
    if Path(reference).suffix == SUFFIX:
        built = load_reference(Path(reference), Records())
        roles = guess(now, {**_roles_of(built, now), **given})
        records = Records.model_validate(mapping(now, roles))
        remarks: list[str] = []
    else:
        before = look([reference])
        roles = guess(before, given)
        options, remarks = _both_have(mapping(before, roles), roles, before, now)
        records = Records.model_validate(options)
        rows = read_rows([reference], records)
        built = fit_reference(rows.frame, rows.columns, Path(reference).name)
    frame = read_rows([current], records, built.layout.columns).frame
    return compare(built, frame, _tests()), remarks + [_told(role, roles) for role in roles.of]


def guess(raw: Raw, given: Mapping[str, Sequence[str]]) -> Roles:
    """The roles of data that nobody has described."""
    plain = {role: [_without_path(raw, name) for name in names] for role, names in given.items()}
    return guess_roles(raw.frame, plain, raw.last_word, inputs(raw))


def _without_path(raw: Raw, name: str) -> str:
    """The column that a path leads to; other names stay as they are."""
    return next((column for column in raw.keys if raw.path(column) == name), name)


def _roles_of(reference: Reference, raw: Raw) -> dict[str, list[str]]:
    """Roles that a built reference knows, for the columns that the data has."""
    words = {raw.last_word(column): column for column in raw.frame.columns}
    named = {_MODELLED[c.role]: c.name for c in reference.layout.columns if c.role in _MODELLED}
    return {role: [words[name]] for role, name in named.items() if name in words}


def _both_have(
    options: dict[str, Any], roles: Roles, before: Raw, now: Raw
) -> tuple[dict[str, Any], list[str]]:
    """The mapping without the roles that only the first file has: labels come late, and training data has no ids."""
    remarks = []
    there = {now.path(column) for column in now.frame.columns}
    known = {before.path(column): column for column in before.frame.columns}
    kept = dict(options)
    for role in SINGLE:
        value = options.get(role)
        path = value["path"] if isinstance(value, dict) else value
        if path is not None and path not in there:
            del kept[role], roles.of[role]
            kept["ignore"] = [*kept.get("ignore", []), known[path]]
            remarks.append(f"{role} {known[path]} is in the reference only, and left out")
    return kept, remarks


def _told(role: str, roles: Roles) -> str:
    return f"{role}: {roles.of[role]} ({roles.why[roles.of[role]]})"


def _tests() -> tuple[Any, ...]:
    """What a monitor tests where its configuration does not say."""
    return tuple(MonitorSettings.model_fields["tests"].default)
