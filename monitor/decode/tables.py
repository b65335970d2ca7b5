"""Rows of tables (Parquet, CSV): whole columns at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from monitor.decode.assembly import KEPT_BYTES, Decoded, assemble, convert, nothing
from monitor.decode.cells import Cells
from monitor.decode.plan import Plan, Target, Want
from monitor.decode.rows import MAX_MEMBERS
from monitor.decode.times import microseconds


@dataclass(frozen=True)
class TableOrigin:
    """Rows of a table: numbered from the partition's first row."""

    partition: str
    frame: pl.DataFrame
    first: int

    def place(self, row: int) -> tuple[int, bytes]:
        """Row number in the partition and the row as JSON."""
        text = self.frame.slice(row, 1).write_ndjson()
        return self.first + row, text.strip().encode()[:KEPT_BYTES]


@dataclass(frozen=True)
class TableMap:
    """Where a table has what is wanted.

    Attributes:
        sources: flattened column of each target; None where the table has none.
        roots: columns that hold something of that.
        wanted: columns to read; the first one where there is nothing to read, so that rows are still counted.
        unknown: members of the features' container that are no target.
        members: flattened column of each member of the features' container.
        beside: targets beside the records of messages, with the column of the same name that stands for them here.
    """

    sources: tuple[str | None, ...]
    roots: tuple[str, ...]
    wanted: tuple[str, ...]
    unknown: tuple[str, ...]
    members: Mapping[str, str]
    beside: tuple[tuple[Target, str], ...] = ()


def map_table(plan: Plan, schema: Mapping[str, pl.DataType]) -> TableMap:
    """Find the targets among a table's columns."""
    roots = {name: root for root, dtype in schema.items() for name in _flat_names(root, dtype)}
    members = container_members(plan, roots)
    sources = []
    for target in plan.targets:
        if target.path is None:
            sources.append(_member(target.name, members, roots))
        else:
            options = (_member(name, {}, roots) for name in (target.path.flat, target.path.name))
            sources.append(next((name for name in options if name is not None), None))
    beside = tuple(_beside(plan, roots))
    used = {source for source in (*sources, *(name for _, name in beside)) if source is not None}
    unknown = [name for name, flat in members.items() if name not in plan.taken and flat not in used]
    held = {roots.get(source, source) for source in used}
    arrays = {source.rpartition("-")[0] for source in sources if source is not None}
    wanted = tuple(root for root in schema if root in held or root in arrays)
    return TableMap(
        sources=tuple(sources),
        roots=tuple(root for root in schema if root in held),
        wanted=wanted or tuple(schema)[:1],
        unknown=tuple(unknown),
        members=members,
        beside=beside,
    )


def _beside(plan: Plan, names: Mapping[str, str]) -> Iterator[tuple[Target, str]]:
    """What messages bring beside their records, a reference in a table has among its columns: `@key` in `key`."""
    for target in plan.beside:
        if target.beside is not None:
            options = (target.beside.flat, target.beside.name)
            found = next((name for name in options if name in names), None)
            if found is not None:
                yield target, found


def container_members(plan: Plan, names: Iterable[str]) -> dict[str, str]:
    """The members of the features' container: flattened column by name. A table without the container is flat."""
    if plan.container is None:
        return {}
    prefix = plan.container.flat
    if not prefix:
        return {name: name for name in names}
    inside = {n.removeprefix(f"{prefix}."): n for n in names if n.startswith(f"{prefix}.")}
    inside |= {
        f"{plan.container.name}-{n.removeprefix(f'{prefix}-')}": n
        for n in names
        if n.startswith(f"{prefix}-")
    }
    return inside or {name: name for name in names}


def decode_table(
    plan: Plan,
    table: TableMap,
    frame: pl.DataFrame,
    *,
    partition: str,
    first: int,
    ordinal: int,
    text: bool = False,
) -> Decoded:
    """Rows of a table.

    Args:
        plan: what is wanted.
        table: where it is.
        frame: rows of the table, at least its wanted columns.
        partition: the file.
        first: number of the first row in the file.
        ordinal: running number of the first row.
        text: all columns are text (CSV).
    """
    columns = dict(flat_columns(frame))
    cells = [
        _cells(plan, target, columns.get(source) if source is not None else None, frame.height, text=text)
        for target, source in zip(plan.targets, table.sources, strict=True)
    ]
    targets = [*plan.targets, *(target for target, _ in table.beside)]
    cells += [
        _cells(plan, target, columns.get(name), frame.height, text=text) for target, name in table.beside
    ]
    decoded = assemble(targets, cells, frame.height, TableOrigin(partition, frame, first), ordinal)
    if frame.height:
        decoded.unknown = dict.fromkeys(table.unknown, frame.height)
    return decoded


def time_source(plan: Plan, table: TableMap) -> str | None:
    """The flattened column of the event times."""
    pairs = zip(plan.targets, table.sources, strict=True)
    return next((source for target, source in pairs if target.want is Want.TIME), None)


def time_roots(plan: Plan, table: TableMap) -> list[str]:
    """The column of the file that holds the event times; [] where there is none outside an array."""
    source = time_source(plan, table)
    return [root for root in table.roots if source is not None and f"{source}.".startswith(f"{root}.")]


def decode_times(plan: Plan, table: TableMap, frame: pl.DataFrame) -> pl.Series:
    """Event times alone, microseconds, of a frame that may lack all other columns; null where there is none."""
    series = dict(flat_columns(frame)).get(time_source(plan, table) or "")
    if series is None:
        return pl.Series(dtype=pl.Int64)
    return microseconds(series, plan.time_format)


def flat_columns(frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """Columns with objects unfolded to `a.b` and arrays to `a-0`, `a-1`, …."""
    for series in frame:
        yield from _unfold(series.name, series)


def _unfold(name: str, series: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    if isinstance(series.dtype, pl.Struct):
        for field in series.dtype.fields:
            yield from _unfold(f"{name}.{field.name}", series.struct.field(field.name))
    elif isinstance(series.dtype, pl.Array | pl.List):
        lists = series.arr.to_list() if isinstance(series.dtype, pl.Array) else series
        width = int(str(lists.list.len().max() or 0))
        for i in range(min(width, MAX_MEMBERS)):
            yield from _unfold(f"{name}-{i}", lists.list.get(i, null_on_oob=True))
    else:
        yield name, series


def _flat_names(name: str, dtype: pl.DataType) -> Iterator[str]:
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield from _flat_names(f"{name}.{field.name}", field.dtype)  # type: ignore[arg-type]
    else:
        yield name


def _member(name: str, members: Mapping[str, str], roots: Mapping[str, str]) -> str | None:
    """The flattened column of a member; elements of arrays are known only once rows are there."""
    if name in members:
        return members[name]
    if name in roots and not members:
        return name
    array, _, position = name.rpartition("-")
    if array and position.isdecimal():
        options = (members.get(array, array), *(root for root in roots if root.endswith(f".{array}")))
        return next((f"{option}-{position}" for option in options if option in roots), None)
    return None


def _cells(plan: Plan, target: Target, series: pl.Series | None, rows: int, *, text: bool) -> Cells:
    return nothing(target, rows) if series is None else convert(plan, target, series, text=text)
