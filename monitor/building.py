"""A reference from data, with a configuration's mapping or with guessed roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.first_look.mapping import records as guessed_records
from monitor.first_look.raw import look
from monitor.referencing import SUFFIX, ReferenceUnusableError, fit_reference
from monitor.sources.whole import read_rows
from monitor.two_files import guess

if TYPE_CHECKING:
    from detectors.reference import Reference
    from monitor.decode.mapping import Records


def build_reference(
    data: str, given: Mapping[str, Sequence[str]], config: Path | None, monitor: str | None
) -> tuple[Reference, list[str]]:
    """Fit a reference.

    Args:
        data: a file, a folder or a glob.
        given: columns by role, as the user says; not with a configuration.
        config: the configuration whose mapping is used; None to guess.
        monitor: whose mapping, where there are several monitors.

    Returns:
        The reference, and remarks for the user.

    Raises:
        ReferenceUnusableError: nothing can be fitted.
        ConfigurationError: the configuration is wrong.
        SourceError: the data cannot be read.
    """
    if config is not None:
        if given:
            hint = "change `records` of the configuration, or leave --config out"
            raise ReferenceUnusableError("columns are given although the configuration has the mapping", hint)
        records, remarks = _configured(config, monitor), []
    else:
        raw = look([data])
        roles = guess(raw, given)
        records = guessed_records(raw, roles)
        remarks = [f"{role}: {name} ({roles.why[name]})" for role, name in roles.of.items()]
        remarks += [f"left out: {name} ({roles.why[name]})" for name in roles.ignored]
    rows = read_rows([data], records)
    if rows.rejected:
        remarks.append(f"{rows.rejected:,} records could not be read: {rows.rejects[0].reason}, …")
    return fit_reference(rows.frame, rows.columns, Path(data).name), remarks


def save_reference(reference: Reference, output: Path) -> Path:
    """Write a reference; the suffix is added where it is missing. The file is whole or not there.

    Raises:
        OSError: it cannot be written.
    """
    path = output if output.suffix == SUFFIX else output.with_name(output.name + SUFFIX)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    draft.write_bytes(reference.to_bytes())
    draft.replace(path)
    return path


def _configured(config: Path, name: str | None) -> Records:
    from monitor.settings.load import load

    monitors = {monitor.name: monitor for monitor in load(config).settings.monitors}
    if name is None and len(monitors) == 1:
        return next(iter(monitors.values())).records
    if name not in monitors:
        raise ReferenceUnusableError(
            f"which monitor's mapping? there are {', '.join(monitors)}", "use --monitor"
        )
    return monitors[name].records
