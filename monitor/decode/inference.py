"""What the columns of data hold that no reference describes yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from detectors.layout import Column, Kind, Role
from monitor.decode.cells import NO_VALUE
from monitor.decode.json_line import BadLineError, read_line
from monitor.decode.mapping import Records
from monitor.decode.paths import ABSENT
from monitor.decode.plan import MODELLED, Plan, compile_plan, role_names
from monitor.decode.rows import RowReader
from monitor.decode.tables import TableMap, flat_columns, map_table

MAX_CLASSES = 20
"""A label with at most so many different whole numbers is a class."""


def infer_from_lines(records: Records, lines: Iterable[bytes]) -> tuple[Column, ...]:
    """The modelled columns of NDJSON records; lines that are no records are passed over."""
    plan = compile_plan(records, None)
    reader = RowReader(plan)
    values: dict[str, list[Any]] = {}
    for line in lines:
        try:
            record = read_line(line)
            for row, placed in enumerate(reader.rows(record)):
                named = {t.name: v for t, v in zip(plan.placed, placed, strict=True) if t.modelled}
                members = {n: v for n, v in reader.members(record, row).items() if n not in plan.taken}
                for name, value in (*members.items(), *named.items()):
                    found = values.setdefault(name, [])
                    if value is not None and value is not ABSENT:
                        found.append(value)
        except BadLineError:
            continue
    return _named(records, {name: _series_of(found) for name, found in values.items() if found})


def infer_from_table(records: Records, frame: pl.DataFrame, *, text: bool = False) -> tuple[Column, ...]:
    """The modelled columns of a table.

    Args:
        records: the mapping.
        frame: rows of the table.
        text: all columns are text (CSV); those whose values all are numbers become numbers.
    """
    plan = compile_plan(records, None)
    flat = dict(flat_columns(frame))
    if text:
        flat = {name: _number_column(series) for name, series in flat.items()}
    schema = {name: series.dtype for name, series in flat.items()}
    table = map_table(plan, schema)
    values = {name: flat[source] for name, source in table.members.items() if name not in plan.taken}
    for target, source in zip(plan.placed, table.sources, strict=False):
        if target.modelled and source is not None:
            values[target.name] = flat[source]
    values |= {target.name: flat[name] for target, name in table.beside if target.modelled}
    return _named(records, {n: s.drop_nulls() for n, s in values.items() if not _is_role(n, plan, table)})


def _is_role(name: str, plan: Plan, table: TableMap) -> bool:
    """A member of the container that has a role of its own under another writing of its path."""
    placed = (
        (t, source) for t, source in zip(plan.placed, table.sources, strict=False) if t.path is not None
    )
    return any(t.name != name and source == name for t, source in (*placed, *table.beside))


def _named(records: Records, values: Mapping[str, pl.Series]) -> tuple[Column, ...]:
    """Columns of values, under the names that users know."""
    inner = {f"@{role.value}": role for role in MODELLED}
    features = [name for name in values if name not in inner]
    columns = [
        column for name in features if (column := _column(name, values[name], Role.FEATURE)) is not None
    ]
    names = role_names(records, [column.name for column in columns])
    classes = _are_classes(values)
    for inside, role in inner.items():
        if inside in values:
            found = _column(names[role], values[inside], role)
            if found is not None and role is not Role.SCORE and classes and found.kind is Kind.NUMERIC:
                found = Column(found.name, Kind.CATEGORICAL, role, integer=True)
            columns += [found] if found is not None else []
    return tuple(columns)


def _are_classes(values: Mapping[str, pl.Series]) -> bool:
    """The label (without one, the prediction) has few different whole numbers."""
    for name in ("@label", "@prediction"):
        series = values.get(name)
        if series is not None and series.dtype.is_numeric() and series.len():
            distinct = series.unique().to_numpy()
            return len(distinct) <= MAX_CLASSES and bool((np.floor(distinct) == distinct).all())
    return False


def _column(name: str, series: pl.Series, role: Role) -> Column | None:
    """What a column holds; None for columns of objects, bytes, times or nothing."""
    dtype = series.dtype
    if dtype.is_numeric():
        whole = dtype.is_integer() or bool((series.cast(pl.Float64) % 1 == 0).all())
        return Column(name, Kind.NUMERIC, role, integer=whole)
    if dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return Column(name, Kind.CATEGORICAL, role)
    return None


def _number_column(series: pl.Series) -> pl.Series:
    present = series.drop_nulls()
    plain = present.filter(~present.str.strip_chars().is_in(NO_VALUE)).str.strip_chars()
    numbers = plain.cast(pl.Float64, strict=False)
    return numbers if numbers.len() and numbers.null_count() == 0 else series


def _series_of(values: list[Any]) -> pl.Series:
    """Values of the type that most of them have."""
    kinds = Counter("number" if type(v) in (int, float) else type(v).__name__ for v in values)
    kind = kinds.most_common(1)[0][0]
    if kind == "number":
        return pl.Series([float(v) for v in values if type(v) in (int, float)], dtype=pl.Float64)
    if kind == "str":
        return pl.Series([v for v in values if type(v) is str], dtype=pl.String)
    if kind == "bool":
        return pl.Series([v for v in values if type(v) is bool], dtype=pl.Boolean)
    return pl.Series([b""], dtype=pl.Binary)
