"""Schema: do the records still have the columns, types and values that the reference had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.reference import Reference
from detectors.schema_counts import BREAKING
from detectors.schema_findings import Finding, column_findings
from detectors.shares import lower_bound, ratio

Share = Annotated[float, Gt(0), Lt(1)]


class Schema(WindowTest):
    """Columns, types, nulls, ranges, categories, constants, ids and text against the reference's.

    A finding counts when it is significant against the reference's own rows (exact tails, `level` shared over
    the columns), so that a stray row, a fresh extreme of a continuous column or a rare category of a small
    reference is none. *Breaking* findings (a consumer of the old schema would fail or be misled: missing
    column, number sent as text, wrong type, fraction in a column of whole numbers, nulls or non-numbers where
    there were none, all null, constant, damaged text, duplicate ids) are *drift* when the lower confidence
    bound of the share of rows exceeds `breaking_ratio`, else *warning*. *Additive* ones (new column, new
    category, values out of range, cut text) are a *warning* when that bound exceeds `additive_ratio`; a new
    column is told once, when it appears. Labels may be missing or null: they often come late.

    Statistic: share of the window's rows with the worst finding. Effect size: the same minus the reference's
    share.
    Cost: about 0.2 ms for 50 columns.

    References:
        Clopper, Pearson (1934); Good (1953), The population frequencies of species.
    """

    type: Literal["schema"] = "schema"
    level: Annotated[float, Gt(0), Le(0.1)] = 0.001
    """Probability of a false finding in a quiet window, over all columns."""
    breaking_ratio: Share = 0.05
    """Share of rows above which a breaking finding is *drift*."""
    additive_ratio: Share = 0.02
    """Share of rows above which an additive finding is told, as a *warning*."""
    duplicate_ratio: Annotated[float, Ge(0), Lt(1)] = 0.05
    """Share of repeated ids above which they are *drift*."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """One result for each modelled column, one for each new column, one for the ids where there are any."""
        rows = window.profile.rows
        if rows < max(window.min_rows, 1):
            detail = f"{rows} rows, fewer than {max(window.min_rows, 1)}"
            nan = float("nan")
            return [Result("", self.type, Verdict.INSUFFICIENT, Cause.SCHEMA, nan, rows=rows, detail=detail)]
        names, test, limit = reference.comparison.told, self.type, self.breaking_ratio
        found = column_findings(reference, window.profile, self.level / max(len(names), 1))
        results = [
            self._column(name, found[i], rows)
            if i in found
            else Result(name, test, Verdict.OK, Cause.SCHEMA, 0.0, limit, rows=rows)
            for i, (name, _) in names.items()
        ]
        return [*results, *self._new_columns(window), *self._ids(reference, window)]

    def _column(self, name: str, findings: Sequence[Finding], rows: int) -> Result:
        """The worst finding of a column, with all of them in words."""
        judged = sorted(((self._verdict(f), f) for f in findings), key=lambda x: (-x[0].rank, -x[1].share))
        verdict, worst = judged[0]
        return Result(
            column=name,
            test=self.type,
            verdict=verdict,
            cause=Cause.SCHEMA,
            statistic=worst.share,
            threshold=self.breaking_ratio if worst.kind in BREAKING else self.additive_ratio,
            p_value=worst.p_value,
            effect_size=worst.share - worst.usual,
            rows=rows,
            detail="; ".join(f.words() for v, f in judged if v is not Verdict.OK),
        )

    def _verdict(self, finding: Finding) -> Verdict:
        if finding.kind in BREAKING:
            return Verdict.DRIFT if finding.bound > self.breaking_ratio else Verdict.WARNING
        return Verdict.WARNING if finding.bound > self.additive_ratio else Verdict.OK

    def _new_columns(self, window: Window) -> Iterator[Result]:
        rows = window.profile.rows
        for name, carried in window.profile.unknown.items():
            share = min(ratio(carried, rows), 1.0)
            told = any(name in past.unknown for past in window.history)
            fresh = (
                not told and float(lower_bound(min(carried, rows), rows, self.level)) > self.additive_ratio
            )
            detail = f"new column in {share:.1%} of the rows (additive)"
            verdict = Verdict.WARNING if fresh else Verdict.OK
            yield Result(
                name, self.type, verdict, Cause.SCHEMA, share, self.additive_ratio, None, share, rows, detail
            )

    def _ids(self, reference: Reference, window: Window) -> Iterator[Result]:
        """Repeated ids, from the ids that the sketch keeps."""
        ids, usual = window.profile.ids, reference.profile.ids
        kept = int(ids.counts.sum())
        if kept == 0:
            return
        share, expected = ids.duplicates, usual.duplicates
        bound = float(lower_bound(kept - ids.keys.size, kept, self.level)) - expected
        verdict = Verdict.OK
        if bound > self.duplicate_ratio:
            verdict = Verdict.DRIFT if usual.rows else Verdict.WARNING
        detail = f"{share:.1%} of the rows repeat an id (breaking)" if verdict is not Verdict.OK else ""
        yield Result(
            column="@id",
            test=self.type,
            verdict=verdict,
            cause=Cause.SCHEMA,
            statistic=share,
            threshold=self.duplicate_ratio,
            effect_size=share - expected,
            rows=window.profile.rows,
            detail=detail,
        )
