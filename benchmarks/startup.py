"""What a user waits for before anything happens: ``import nearfield``, and a cold search.

Every figure is a whole process from start to exit; files are in the system's cache, nothing else
is warm. The floor is an interpreter that does nothing. The peer is a process that imports
sentence-transformers, loads the same model and encodes the one question, without any index.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.contenders import Contender, sentence_transformers, write_texts
from benchmarks.data import passages
from benchmarks.harness import (
    Check,
    Context,
    Json,
    Outcome,
    at_most,
    interleave,
    peer_missing,
    private_home,
    run_process,
    scratch,
    summary,
)

__all__ = ["run"]

_MODEL = "all-MiniLM-L6-v2"
_PASSAGES = 10_000
_QUESTION = "how does the kernel reclaim memory when it runs low"
_HEAVY = ("torch", "onnxruntime", "onnx", "tokenizers", "sentence_transformers", "scipy", "lxml")

_PROBE = f"""
import json, sys
from pathlib import Path
import nearfield
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
fields = dict(line.split(":", 1) for line in lines)
print(json.dumps({{
    "peak_kb": int(fields.get("VmHWM", "0 kB").split()[0]),
    "heavy": [name for name in {_HEAVY!r} if name in sys.modules],
}}))
"""


def run(context: Context) -> Outcome:
    """Build an index of 10,000 passages, then start processes."""
    chosen = passages(context.data, _PASSAGES)
    with scratch() as folder:
        source, index, home = (
            folder / "passages.jsonl",
            folder / "passages.nf",
            private_home(folder),
        )
        chosen.write_jsonl(source)
        nearfield = [sys.executable, "-m", "nearfield"]
        run_process(
            [*nearfield, "index", str(source), "--to", str(index), "--model", _MODEL],
            environment=home,
        )
        _, counted = run_process([*nearfield, "stats", str(index), "--json"], environment=home)
        _, probed = run_process([sys.executable, "-c", _PROBE])
        peer = sentence_transformers(context, _MODEL)
        timed = {
            "python -c pass": _process([sys.executable, "-c", "pass"]),
            "import numpy": _process([sys.executable, "-c", "import numpy"]),
            "import nearfield": _process([sys.executable, "-c", "import nearfield"]),
            "import every root name": _process([sys.executable, "-c", "from nearfield import *"]),
            "nearfield search": _process([*nearfield, "search", str(index), _QUESTION], home),
        }
        if peer is not None:
            timed["sentence-transformers, load and encode"] = _loads(peer, folder)
        seconds = interleave(context.repeat, timed)
    probe = json.loads(probed)
    figures: dict[str, Json] = {
        "texts": chosen.origin,
        "passages": len(chosen.texts),
        "stats": _chunks(counted),
        "seconds": {name: summary(runs) for name, runs in seconds.items()},
        "import nearfield": {
            "peak_memory_mb": round(probe["peak_kb"] / 1024, 1),
            "heavy_modules": probe["heavy"],
        },
    }
    if peer is None:
        figures["sentence-transformers"] = peer_missing()
    versions = peer.versions() if peer is not None else {}
    return Outcome(_checks(seconds, probe), figures, versions)


def _checks(seconds: Mapping[str, list[float]], probe: Mapping[str, Any]) -> tuple[Check, ...]:
    medians = {name: statistics.median(runs) for name, runs in seconds.items()}
    search = medians["nearfield search"]
    checks = [
        at_most("import nearfield, whole process", medians["import nearfield"], 0.3, "s"),
        at_most("heavy libraries that the import brings", len(probe["heavy"]), 1),
        at_most("nearfield search, cold, 10,000 passages", search, 1.0, "s"),
        at_most("nearfield search, cold, 10,000 passages", search, 0.6, "s", required=False),
    ]
    if probe["peak_kb"]:  # told by Linux alone
        memory = probe["peak_kb"] / 1024
        checks.append(at_most("import nearfield, peak memory", memory, 60, "MB"))
    return tuple(checks)


def _process(
    command: list[str], environment: Mapping[str, str] | None = None
) -> Callable[[], float]:
    return lambda: run_process(command, environment=environment)[0]


def _loads(peer: Contender, folder: Path) -> Callable[[], float]:
    question = write_texts(folder / "question.json", [_QUESTION])
    return lambda: peer.whole_process(question)[0]


def _chunks(stats: str) -> Json:
    """The counts of ``nearfield stats --json``, whatever else it says."""
    return {name: value for name, value in json.loads(stats).items() if isinstance(value, int)}
