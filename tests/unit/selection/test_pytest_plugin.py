from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.selection.doubles import collection

from nearfield.selection import toml
from nearfield.selection.pipeline import ModelChoice, Pipeline

pytest_plugins = ["pytester"]


@pytest.fixture
def pipeline(words_file: Path, tmp_path: Path) -> Path:
    """Words of a real, tiny model; few of the collection's words are among them."""
    path = tmp_path / "pipeline.toml"
    toml.write(Pipeline(ModelChoice(str(words_file))), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return collection(tmp_path / "data", details=2)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugin = ("-p", "nearfield.selection.pytest_plugin") if _absent() else ()
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *plugin, *arguments)


def _absent() -> bool:
    """Whether the plugin is not yet an entry point of the installed package."""
    from importlib.metadata import entry_points

    return not any(point.name == "nearfield" for point in entry_points(group="pytest11"))


def test_the_fixture_fails_a_test(pytester: pytest.Pytester, pipeline: Path, folder: Path) -> None:
    pytester.makepyfile(
        f"""
        def test_reached(nearfield_check):
            report = nearfield_check({str(pipeline)!r}, {str(folder)!r}, minimum="ndcg@10=0.0")
            assert report.questions == 16

        def test_missed(nearfield_check):
            nearfield_check({str(pipeline)!r}, {str(folder)!r}, minimum=["ndcg@10=1.0"])
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*ndcg@10 is 0.* at least 1 is asked*"])


def test_options_add_tests(pytester: pytest.Pytester, pipeline: Path, folder: Path) -> None:
    pytester.makepyfile("def test_other(): pass")
    result = run(
        pytester, "--nearfield-pipeline", str(pipeline), "--nearfield-folder", str(folder),
        "--nearfield-min", "ndcg@10=0.0", "--nearfield-min", "mrr@10=1.0",
    )  # fmt: skip
    result.assert_outcomes(passed=2, failed=1)


def test_a_pipeline_needs_a_figure(pytester: pytest.Pytester, pipeline: Path) -> None:
    pytester.makepyfile("def test_other(): pass")
    result = run(pytester, "--nearfield-pipeline", str(pipeline))
    assert result.ret != 0
    result.stderr.fnmatch_lines(["*--nearfield-pipeline needs a figure*"])
