"""The gate of ``nearfield check`` in a test suite.

A fixture for a test's own words::

    def test_search(nearfield_check):
        nearfield_check("pipeline.toml", "docs/", minimum="ndcg@10=0.60", questions="asked.jsonl")

or options on the command line, which add one test for each figure::

    pytest --nearfield-pipeline pipeline.toml --nearfield-folder docs/ --nearfield-min ndcg@10=0.60
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from nearfield.selection.check import Gate, GateReport, GateResult

__all__ = ["Check", "nearfield_check"]


class Check(Protocol):
    """What the fixture gives."""

    def __call__(
        self,
        pipeline: str | Path,
        folder: str | Path,
        *,
        minimum: str | Sequence[str],
        questions: str | Path | None = None,
    ) -> GateReport:
        """Search as a pipeline says; the test fails where a figure is below its minimum."""


@pytest.fixture(scope="session")
def nearfield_check() -> Check:
    """Hold a pipeline to figures; see :class:`Check`."""

    def run(
        pipeline: str | Path,
        folder: str | Path,
        *,
        minimum: str | Sequence[str],
        questions: str | Path | None = None,
    ) -> GateReport:
        gates = [minimum] if isinstance(minimum, str) else list(minimum)
        report = _checked(Path(pipeline), Path(folder), gates, questions)
        missed = [result.sentence for result in report.results if not result.passed]
        if missed:
            pytest.fail("; ".join(missed), pytrace=False)
        return report

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("nearfield", "hold a retrieval pipeline to a figure")
    group.addoption("--nearfield-pipeline", metavar="FILE", help="pipeline.toml to check")
    group.addoption("--nearfield-folder", metavar="FOLDER", help="what is searched")
    group.addoption("--nearfield-questions", metavar="PATH", help="questions and what answers them")
    group.addoption(
        "--nearfield-min", action="append", default=[], metavar="MEASURE=LEAST",
        help="figure that must be reached, such as ndcg@10=0.60",
    )  # fmt: skip


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add one test a figure where the command line asks for them."""
    pipeline = config.getoption("--nearfield-pipeline")
    gates = config.getoption("--nearfield-min")
    if not pipeline:
        return
    if not gates:
        raise pytest.UsageError("--nearfield-pipeline needs a figure: add --nearfield-min")
    folder = config.getoption("--nearfield-folder") or Path(pipeline).resolve().parent
    suite = _Suite.from_parent(session, name="nearfield")
    suite.job = _Job(Path(pipeline), Path(folder), config.getoption("--nearfield-questions"), gates)
    items.extend(suite.collect())


class _Job:
    """The one run that all gates share."""

    def __init__(
        self, pipeline: Path, folder: Path, questions: str | None, gates: Sequence[str]
    ) -> None:
        self.gates = list(gates)
        self._asked = (pipeline, folder, self.gates, questions)
        self._report: GateReport | None = None

    def result(self, place: int) -> GateResult:
        if self._report is None:
            self._report = _checked(*self._asked)
        return self._report.results[place]


class _Suite(pytest.Collector):
    """Gates that the command line asks for."""

    job: _Job

    def collect(self) -> Iterator[pytest.Item]:
        for place, gate in enumerate(self.job.gates):
            item = _GateItem.from_parent(self, name=gate)
            item.place = place
            item.job = self.job
            yield item


class _GateItem(pytest.Item):
    """One figure."""

    place: int
    job: _Job

    def runtest(self) -> None:
        found = self.job.result(self.place)
        self.user_properties.append((found.gate.measure, found.found.mean))
        if not found.passed:
            pytest.fail(found.sentence, pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"nearfield check: {self.name}"


def _checked(
    pipeline: Path, folder: Path, minimums: Sequence[str], questions: str | Path | None
) -> GateReport:
    # Imported here: every run of pytest loads this file.
    from nearfield.selection import toml
    from nearfield.selection.check import check, minimum_of

    gates: list[Gate] = [minimum_of(each) for each in minimums]
    asked = Path(questions) if questions is not None else None
    return check(toml.read(pipeline), gates, folder, questions=asked)
