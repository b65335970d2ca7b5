"""Logs to read, and a reader whose clock moves on by itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.records import RecordBatch
from monitor.sources.base import Position
from monitor.sources.files.catalogue import Catalogue
from monitor.sources.files.stream import FileStream, Pace

COLUMNS = (Column("a", Kind.NUMERIC), Column("c", Kind.CATEGORICAL))
RECORDS = Records.model_validate({"timestamp": "$.ts", "id": "$.id", "features": "$.*"})
Start = Callable[..., "Reading"]
START = 1_700_000_000


def line(i: int, pod: str = "p") -> str:
    """One record."""
    return json.dumps({"ts": START + i, "id": f"{pod}{i}", "a": i / 2, "c": f"v{i % 3}"}) + "\n"


def lines(first: int, last: int, pod: str = "p") -> str:
    """Records first to last - 1."""
    return "".join(line(i, pod) for i in range(first, last))


@dataclass
class Reading:
    """A stream whose clock moves on with every look."""

    path: str
    follow: bool = True
    small: int = 4096
    longest: int = 2048
    records: Records = RECORDS
    now: float = 0.0
    position: Position | None = None
    batches: list[RecordBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = self.open()

    def open(self) -> FileStream:
        """A new stream at the last position."""
        decoder = Decoder(self.records, COLUMNS, max_record_bytes=self.longest)
        catalogue = Catalogue((self.path,), "auto", final=not self.follow)
        stream = FileStream(
            catalogue,
            decoder,
            Pace(100, 40, self.small, 1.0, self.follow),
            monotonic=self.clock,
            wait=lambda _: None,
        )
        if self.position is not None:
            stream.seek(Position(json.loads(json.dumps(self.position.to_json()))))
        return stream

    def clock(self) -> float:
        """Every look is later than the last."""
        self.now += 10.0
        return self.now

    def close(self) -> None:
        """Give the files back."""
        self.stream.close()

    def restart(self) -> None:
        """Go on in a new process."""
        self.stream.close()
        self.stream = self.open()

    def drain(self, *, restart_each: bool = False) -> list[str]:
        """Ids of everything that can be read now."""
        return [
            name for batch in self.take(restart_each=restart_each) for name in batch.frame["@id"].to_list()
        ]

    def take(self, *, restart_each: bool = False) -> Iterator[RecordBatch]:
        """Batches until there is nothing."""
        while (batch := self.stream.poll(0.0)) is not None:
            self.position = batch.position
            self.batches.append(batch)
            yield batch
            if restart_each:
                self.restart()


def ids(first: int, last: int, pod: str = "p") -> list[str]:
    """Ids of records first to last - 1."""
    return [f"{pod}{i}" for i in range(first, last)]


def formats(folder: Path) -> dict[str, Path]:
    """The same 500 rows in every format."""
    frame = pl.read_ndjson(lines(0, 500).encode())
    (folder / "a.ndjson").write_text(lines(0, 500))
    (folder / "b.ndjson.gz").write_bytes(
        gzip.compress(lines(0, 250).encode()) + gzip.compress(lines(250, 500).encode())
    )
    frame.write_csv(folder / "c.csv")
    (folder / "d.csv.gz").write_bytes(gzip.compress((folder / "c.csv").read_bytes()))
    frame.write_parquet(folder / "e.parquet", row_group_size=70)
    return {path.name: path for path in folder.iterdir()}
