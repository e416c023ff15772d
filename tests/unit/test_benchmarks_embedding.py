"""The embedding benchmark: samples, agreement, targets, processes that stand still, and plots."""

from __future__ import annotations

import json
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import readme
from benchmarks.contenders import WORKERS, process
from benchmarks.embedding import limit, section
from benchmarks.embedding.environments import REQUIREMENTS, Environments
from benchmarks.embedding.measure import Measured, Turns, agreement
from benchmarks.embedding.peers import MINILM, MPNET, REFERENCE
from benchmarks.embedding.targets import Row, rows
from benchmarks.embedding.workload import Encoder, Sample, Workload, queries
from benchmarks.harness import BenchmarkError
from benchmarks.plots import Bar, Point, bars, scatter

from nearfield.tokenization import load as load_tokenizer

_ECHO = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    if "end" in json.loads(line):
        sys.exit("the reason\\n")
    print(line, end="", flush=True)
"""


def _wait_until_stopped(process_id: int) -> None:
    """Return once it is stopped: a signal reaches a process that runs a moment later."""
    stat = Path(f"/proc/{process_id}/stat")
    while stat.read_text().rsplit(")", 1)[1].split()[0] not in "Tt":
        time.sleep(0.001)


class TestWorkload:
    def test_operations_of_minilm(self) -> None:
        # 6 layers · (2 · (4 · 384² + 2 · 384 · 1536) + 4 · 384 · met), met = Σl² / Σl.
        lengths = np.array([100, 300])
        met = (100**2 + 300**2) / 400
        expected = 6 * (2 * 1_769_472 + 4 * 384 * met)
        assert Encoder(6, 384, 1536, 256).operations(lengths) == expected

    def test_size_is_read_from_the_folder(self, minilm_path: Path) -> None:
        assert Encoder.read(minilm_path) == Encoder(6, 384, 1536, 256)

    def test_samples_have_the_same_lengths(self, tmp_path: Path) -> None:
        lengths = np.sort(np.random.default_rng(0).integers(5, 256, 2048))
        texts = [f"{number}" for number in range(2048)]
        workload = Workload(texts, lengths, "made", tmp_path)
        whole = workload.sample(2048)
        assert (whole.count, whole.tokens) == (2048, lengths.sum())
        for count in (256, 1024):
            sample = workload.sample(count)
            chosen = json.loads(sample.file.read_text("utf-8"))
            places = sorted(map(int, chosen))
            assert len(set(places)) == sample.count == count
            assert sample.tokens == lengths[places].sum()
            assert sample.worth == pytest.approx(sample.tokens / lengths.mean())
            assert sample.worth == pytest.approx(count, rel=0.02)
            assert chosen != [str(place) for place in places]
            groups = np.array(places).reshape(-1, 32)
            assert (np.diff(groups, axis=1) == 1).all()

    def test_queries_are_short(self, minilm_path: Path, tmp_path: Path) -> None:
        workload = Workload.read(None, 40, minilm_path, 256, tmp_path)
        assert workload.lengths.max() <= 256
        found = queries(workload, minilm_path, 20)
        counts = load_tokenizer(minilm_path).count(found)
        assert len(found) == 20
        assert all(8 <= count <= 16 for count in counts)


class TestAgreement:
    def test_equal_vectors(self) -> None:
        vectors = np.random.default_rng(1).normal(size=(30, 8)).astype(np.float32)
        found = agreement(vectors, 3 * vectors)
        assert found == {"cosine": {"mean": 1.0, "min": 1.0}, "recall at 10": 1.0}

    def test_one_turned_vector_is_the_smallest_cosine(self) -> None:
        vectors = np.eye(12, dtype=np.float32)
        turned = vectors.copy()
        turned[0] = (vectors[0] + vectors[1]) / np.sqrt(2)
        found: Any = agreement(turned, vectors)
        assert found["cosine"]["min"] == pytest.approx(np.sqrt(0.5), abs=1e-6)
        assert found["cosine"]["mean"] == pytest.approx((11 + np.sqrt(0.5)) / 12, abs=1e-6)


class TestProcesses:
    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the state is in /proc")
    def test_stands_still_between_calls(self) -> None:
        with process([sys.executable, "-c", _ECHO]) as echo:
            for number in range(2):
                assert echo.call({"number": number}) == {"number": number}
                _wait_until_stopped(echo.running.pid)
        assert echo.running.returncode == 0

    def test_failure_gives_its_last_words(self) -> None:
        with (
            process([sys.executable, "-c", _ECHO]) as echo,
            pytest.raises(BenchmarkError, match="the reason"),
        ):
            echo.call({"end": True})

    def test_one_that_fails_is_left_out(self) -> None:
        turns = Turns({"a": None, "b": None}, {}, {})  # type: ignore[dict-item]

        def step(name: str, _contender: object, _measured: Measured) -> None:
            if name == "a":
                raise BenchmarkError("no model")

        turns.each(step)
        assert (list(turns.contenders), turns.left_out) == (["b"], {"a": "no model"})

    def test_finished_environment_is_used_again(self, tmp_path: Path) -> None:
        told: list[str] = []
        environments = Environments(tmp_path, told.append)
        folder = environments.folder("light-embed")
        folder.mkdir(parents=True)
        (folder / ".complete").touch()
        assert environments.python("light-embed").is_relative_to(folder)
        assert told == []

    def test_peers_are_pinned(self) -> None:
        named = {peer.environment for peer in (*MINILM, *MPNET)} - {""}
        for name in named:
            lines = (REQUIREMENTS / f"{name}.txt").read_text("utf-8").split()
            assert all(line.count("==") == 1 for line in lines), name
            assert all(line == "torch==2.13.0" for line in lines if line.startswith("torch=="))

    def test_every_library_has_a_loader(self) -> None:
        text = (WORKERS / "libraries.py").read_text("utf-8")
        assert all(f'"{peer.library}": ' in text for peer in MINILM)


class TestLimit:
    def test_figures_are_medians_and_the_best_product(self) -> None:
        found = limit.Limit([], 2, None, None, (), {})
        found.runs = {
            ("bf16", "4096×384→384"): [1e12, 3e12, 2e12],
            ("bf16", "4096×384→1536"): [5e12],
            ("bf16", "raw avx512_bf16"): [9e12],
        }
        figures: Any = found.figures(20e6)
        assert figures["bf16"]["4096×384→384"]["tflops"]["median"] == 2.0
        assert figures["bf16"]["best product"] == {
            "shape": "4096×384→1536",
            "tflops": 5.0,
            "tokens per second": 250_000,
        }


def _contender(rate: float, *, native: bool = False, other: bool = False) -> dict[str, Any]:
    sample = Sample(Path(), 100, 8000, 100.0)
    measured = Measured({}, {}, sample, [100 / rate], [0.001, 0.003], [0.3], 200.0)
    same = {} if other else {"recall at 10": 0.99, "cosine": {"mean": 0.9999, "min": 0.999}}
    return {"native": native, "other_class": other, **measured.figures(), **same, "versions": {}}


@pytest.fixture
def figures() -> dict[str, Any]:
    """A run in which Nearfield is ten times as fast as sentence-transformers."""
    found = {
        "Nearfield fast": _contender(1000, native=True) | {"runtime": "native-avx512bf16"},
        "Nearfield exact": _contender(150, native=True) | {"runtime": "native-avx512"},
        "Nearfield, OpenVINO bf16": _contender(400),
        REFERENCE: _contender(100),
        "model2vec": _contender(9000, other=True),
    }
    return {
        "machine": "a processor, 2 cores (avx2)",
        "model": "all-MiniLM-L6-v2",
        "texts": "generated",
        "tokens per passage": {"mean": 80.0, "p5": 20, "p50": 70, "p95": 200},
        "megaflop per token": 22.5,
        "vectors compared": 512,
        "contenders": found,
        "left out": {"txtai": "cannot be installed"},
        "limit": {
            "threads": 2,
            "not measured": {},
            "bf16": {
                "4096×384→384": {"tflops": {"median": 3.6}, "tokens per second": 160_000},
                "raw avx512_bf16": {"tflops": {"median": 7.2}, "tokens per second": 320_000},
                "best product": {"shape": "", "tflops": 3.6, "tokens per second": 160_000},
            },
        },
        "mpnet": {"contenders": {}, "left out": {}},
        "quality": {"tasks": {"SciFact nDCG@10": {"fast": 64.6, "exact": 64.5}}},
        "amx": False,
    }


class TestTargets:
    def test_rows_of_a_run(self, figures: dict[str, Any]) -> None:
        found = {row.what: row for row in rows(figures)}
        measured = {what: row.measured for what, row in found.items()}
        assert measured["passages/s, fast, vs sentence-transformers fp32"] == 10
        assert found["passages/s vs the fastest other runtime"].note == "Nearfield, OpenVINO bf16"
        assert measured["passages/s vs the fastest other runtime"] == 2.5
        # 1000 passages of 80 tokens, of 160,000 tokens.
        assert measured["share of oneDNN's best bf16 product"] == 50
        assert found["share of oneDNN's best bf16 product"].note == "25% of raw avx512 bf16"
        assert measured["AVX-512 fp32 vs sentence-transformers fp32"] == 1.5
        assert measured["single query p50, share of sentence-transformers'"] == 1
        assert measured["cold process to first vector"] == 0.3
        quality = measured["SciFact nDCG@10 × 100, fast, distance to fp32"]
        assert quality == pytest.approx(0.1)
        assert measured["all-mpnet-base-v2, fast, vs sentence-transformers fp32"] is None

    def test_verdicts(self) -> None:
        fast = Row("x", 12, 18, "×", 13, tiles=True)
        assert fast.verdict(has_tiles=True) == "yes"
        assert Row("x", 12, 18, "×", 18).verdict(has_tiles=True) == "aim"
        slow = Row("x", 12, 18, "×", 5, tiles=True)
        assert slow.verdict(has_tiles=True) == "no"
        assert slow.verdict(has_tiles=False) == "no (no AMX here)"
        cold = Row("x", 0.4, 0.2, "s", 0.3, higher=False)
        assert (cold.verdict(has_tiles=False), cold.target(0.4)) == ("yes", "≤ 0.4 s")
        assert Row("x", 1, 2, "", None).verdict(has_tiles=True) == "not measured"

    def test_only_a_missed_must_fails_a_run(self) -> None:
        slow = Row("x", 12, 18, "×", 5, tiles=True)
        assert [c.required for c in slow.checks(has_tiles=True)] == [True, False]
        assert [c.required for c in slow.checks(has_tiles=False)] == [False, False]
        assert [c.holds for c in slow.checks(has_tiles=True)] == [False, False]


class TestPage:
    def test_section_shows_targets_contenders_and_reasons(self, figures: dict[str, Any]) -> None:
        figures["table"] = [row.figures(has_tiles=False) for row in rows(figures)]
        text = "\n".join(section.lines(figures))
        first = (
            "| passages/s, fast, vs sentence-transformers fp32 | 10× | ≥ 12× | ≥ 18× | no (no AMX"
        )
        assert first in text
        assert "**This one has none.**" in text
        assert "| **Nearfield fast** | native-avx512bf16 | 1,000 | 80,000 | 2.00 / 2.98 |" in text
        assert "- Not measured: txtai: cannot be installed" in text
        assert "| bf16 | instruction alone, avx512 bf16 | 7.200 | 320,000 |" in text
        for name in section.drawings(figures):
            assert f"(images/{name})" in text

    def test_readme_shows_both_classes(self, figures: dict[str, Any]) -> None:
        machine = {"cores": 2, "cpu": "x", "flags": ["avx2", "fma"]}
        result = {"figures": figures, "date": "2026", "hardware": machine}
        newer = {"figures": {"total_mb": 9}, "date": "2027", "hardware": machine | {"cpu": "y"}}
        text = readme.table({"embedding": result, "size": newer})
        assert "Measured on 2 cores of x (avx2, fma), both in one run." in text
        assert (
            "| Passages a second, `fast`, bf16 (mean 80 tokens) | **1,000** (10.0×) | 100 |" in text
        )
        assert (
            "| Passages a second, `exact`, fp32 (mean 80 tokens) | **150** (1.5×) | 100 |" in text
        )
        assert "| Peak memory of an encoding process | **200 MB** | 200 MB |" in text

    def test_plots_are_drawings_of_the_values(self, figures: dict[str, Any]) -> None:
        drawn = section.drawings(figures)
        assert len(drawn) == 3
        for svg in drawn.values():
            ElementTree.fromstring(svg)
            assert "prefers-color-scheme: dark" in svg
        assert "model2vec" not in drawn["embedding-throughput.svg"]

    def test_bars_are_as_long_as_their_values(self) -> None:
        svg = bars("T", "s", [Bar("a<b", 100, "100", True), Bar("b", 25, "25", False)])
        root = ElementTree.fromstring(svg)
        widths = [float(each.get("width", "")) for each in root.iter() if each.tag.endswith("rect")]
        assert widths[1] == pytest.approx(widths[0] / 4, abs=0.1)
        assert "a<b" in "".join(root.itertext())

    def test_labels_of_a_scatter_do_not_meet(self) -> None:
        names = [f"contender {number}" for number in range(9)]
        points = [Point(name, 50 + 2 * i, 1.0, False) for i, name in enumerate(names)]
        root = ElementTree.fromstring(scatter("T", "s", points, "y"))
        labels = [each for each in root.iter() if each.text in names]
        places = [(float(each.get("x", "")), float(each.get("y", ""))) for each in labels]
        assert len(places) == 9
        for i, (x, y) in enumerate(places):
            for a, b in places[i + 1 :]:
                assert y != b or abs(x - a) > 6 * len(names[0])
