"""What a scrape of a member says."""

from contextlib import suppress

from prometheus_client.parser import text_string_to_metric_families

from monitor.metrics.exposition import build_registry, render
from tests.integration.kafka.members import Member, until

PARTITIONS = 4
Figures = dict[tuple[str, ...], float]


def figures(member: Member) -> Figures:
    """What a scrape gives, by the name without `driftd_` and the labels beside `monitor`, by their names."""
    body, _ = render(build_registry(member.telemetry))
    samples = [s for family in text_string_to_metric_families(body.decode()) for s in family.samples]
    return {
        (
            s.name.removeprefix("driftd_"),
            *(s.labels[label] for label in sorted(s.labels) if label != "monitor"),
        ): s.value
        for s in samples
    }


def show(member: Member, expected: Figures) -> Figures:
    """Wait until a scrape says so; the whole of it.

    Raises:
        AssertionError: it never did.
    """
    with suppress(AssertionError):
        until(lambda: expected.items() <= figures(member).items())
    found = figures(member)
    assert expected == {name: found.get(name) for name in expected}
    return found


def lag(topic: str, records: int) -> Figures:
    """So many records are unread, as many in each partition."""
    each: Figures = {
        ("source_partition_lag_records", str(i), topic): records / PARTITIONS for i in range(PARTITIONS)
    }
    return {("source_lag_records", topic): records, **each}
