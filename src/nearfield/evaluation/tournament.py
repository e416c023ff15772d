"""Several models on one task: their reports, who is better, and who failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from nearfield.evaluation.comparing import compare_reports
from nearfield.evaluation.report import Report
from nearfield.evaluation.significance import Comparison

__all__ = ["Failure", "Tournament", "tournament"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A system that could not be measured, and why.

    Attributes
    ----------
    system : str
    reason : str
    """

    system: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tournament:
    """What several systems reached.

    Attributes
    ----------
    reports : tuple of Report
        Best first by the main measure.
    comparisons : tuple of Comparison
        Every pair, with Holm's correction; empty for one system.
    failures : tuple of Failure
        Who could not be measured; the others go on.
    """

    reports: tuple[Report, ...]
    comparisons: tuple[Comparison, ...] = ()
    failures: tuple[Failure, ...] = ()

    def tied_with_best(self) -> tuple[str, ...]:
        """Names of the systems that cannot be told from the best one, itself included."""
        if not self.reports:
            return ()
        best = self.reports[0].system.name
        worse = {
            each.second if each.first == best else each.first
            for each in self.comparisons
            if best in (each.first, each.second) and each.verdict != "tie"
        }
        return tuple(r.system.name for r in self.reports if r.system.name not in worse)


def tournament(
    systems: Mapping[str, Callable[[], Report]], *, measure: str | None = None
) -> Tournament:
    """Measure systems one after the other and test every pair.

    Parameters
    ----------
    systems : mapping of str to callable
        Each measures one system and returns its report. One that fails is reported, and the rest
        goes on.
    measure : str, optional
        By which pairs are tested; the main one by default.
    """
    reports: list[Report] = []
    failures: list[Failure] = []
    for name, evaluate in systems.items():
        try:
            report = evaluate()
        except Exception as error:  # whatever a model's code raises: the others are measured
            failures.append(Failure(name, f"{type(error).__name__}: {error}"))
            continue
        if report.system.name in {each.system.name for each in reports}:
            # One model by two names, such as a folder and an alias: told apart as they were named.
            report = replace(report, system=replace(report.system, name=name))
        reports.append(report)
    reports.sort(key=lambda report: -report.score)
    comparisons = compare_reports(reports, measure) if len(reports) > 1 else []
    return Tournament(tuple(reports), tuple(comparisons), tuple(failures))
