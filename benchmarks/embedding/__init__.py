"""Embedding speed: Nearfield beside every peer, in one run.

Each contender is a process that loads the same local model and encodes passages from the same
distribution of lengths, in turns; single queries, the machine's limit at multiplying matrices,
cold starts, memory and vectors follow in the same run. A process stands still while another one
is measured. Nothing is fetched while measuring; peers' environments are made before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import write_texts
from benchmarks.embedding import limit, targets
from benchmarks.embedding.environments import Environments, default_home
from benchmarks.embedding.measure import Plan, Progress, Turns, agreement, alone, cold, rounds
from benchmarks.embedding.peers import FAST, MINILM, MPNET, REFERENCE, Peer
from benchmarks.embedding.workload import Encoder, Workload, queries
from benchmarks.harness import (
    BenchmarkError,
    Context,
    DataMissing,
    Json,
    Outcome,
    model_folder,
    private_home,
    scratch,
)
from benchmarks.results import hardware

__all__ = ["run"]

_MINILM, _MPNET = "all-MiniLM-L6-v2", "all-mpnet-base-v2"
_POOL = 2048
_LIMIT_ROWS = 4096

_FULL = Plan(repeat=5, seconds=3.0, fewest=256, most=_POOL, queries=200, vectors=512)
_FULL_MPNET = Plan(repeat=5, seconds=3.0, fewest=128, most=128, queries=0, vectors=0)
_QUICK = Plan(repeat=1, seconds=0.3, fewest=32, most=256, queries=20, vectors=32)
_QUICK_MPNET = Plan(repeat=1, seconds=0.3, fewest=32, most=32, queries=0, vectors=0)


def run(context: Context) -> Outcome:
    """Measure everyone; the table of targets is in the figures, under ``table``."""
    tell, machine = Progress(), hardware()
    environments = Environments(context.peers_home or default_home(), tell)
    with scratch() as folder:
        figures: dict[str, Any] = {
            "machine": f"{machine['cpu']}, {machine['cores']} cores ({_instructions(machine)})",
            **_minilm(context, environments, folder, machine, tell),
            "mpnet": _mpnet(context, environments, folder, tell),
            "quality": _quality(context, tell),
        }
    has_tiles = "amx_bf16" in _flags(machine)
    rows = targets.rows(figures)
    figures["amx"] = has_tiles
    figures["table"] = [row.figures(has_tiles=has_tiles) for row in rows]
    checks = [] if context.quick else [c for row in rows for c in row.checks(has_tiles=has_tiles)]
    return Outcome(tuple(checks), figures, _versions(figures), tuple(_lines(figures)))


def _minilm(
    context: Context,
    environments: Environments,
    folder: Path,
    machine: Mapping[str, Json],
    tell: Progress,
) -> dict[str, Any]:
    model, plan = model_folder(_MINILM), _plan(_QUICK if context.quick else _FULL, context)
    shape = Encoder.read(model)
    workload = Workload.read(context.data, _POOL, model, shape.max_tokens, folder)
    short = queries(workload, model, plan.queries)
    turns = _turns(MINILM, model, environments, private_home(folder))
    operations = shape.operations(workload.lengths)
    threads = int(str(machine["cores"]))
    with limit.opened(
        shape.products(_LIMIT_ROWS), threads, _flags(machine), environments, folder
    ) as products:
        rounds(turns, workload, short, plan, products.measure, tell)
        bounds = products.figures(operations)
    cold(turns, write_texts(folder / "first.json", short[:1]), plan.repeat, tell)
    alone(turns, workload.sample(plan.vectors), folder, tell)
    return {
        "model": _MINILM,
        **workload.described(),
        "megaflop per token": round(operations / 1e6, 2),
        "vectors compared": plan.vectors,
        "limit": bounds,
        "contenders": _contenders(turns, MINILM),
        "left out": turns.left_out,
    }


def _mpnet(
    context: Context, environments: Environments, folder: Path, tell: Progress
) -> dict[str, Any]:
    try:
        model = model_folder(_MPNET)
    except BenchmarkError as error:
        return {"missing": str(error)}
    own = folder / "mpnet"
    own.mkdir()
    plan = _plan(_QUICK_MPNET if context.quick else _FULL_MPNET, context)
    shape = Encoder.read(model)
    workload = Workload.read(context.data, _POOL, model, shape.max_tokens, own)
    turns = _turns(MPNET, model, environments, private_home(folder))
    rounds(turns, workload, (), plan, lambda: None, tell)
    return {"contenders": _contenders(turns, MPNET), "left out": turns.left_out}


def _turns(
    peers: Sequence[Peer], model: Path, environments: Environments, home: Mapping[str, str]
) -> Turns:
    """Contenders that can be started here; the others with the reason."""
    turns = Turns({}, {}, {})
    for peer in peers:
        try:
            turns.contenders[peer.name] = peer.contender(model, environments, home)
        except BenchmarkError as error:
            turns.left_out[peer.name] = str(error)
    return turns


def _contenders(turns: Turns, peers: Sequence[Peer]) -> dict[str, Any]:
    reference = turns.measured[REFERENCE].vectors if REFERENCE in turns.measured else None
    found: dict[str, Any] = {}
    for peer in peers:
        if peer.name not in turns.measured:
            continue
        measured = turns.measured[peer.name]
        figures: dict[str, Any] = {**peer.described(), **measured.figures()}
        if measured.vectors is not None and reference is not None:
            figures |= agreement(measured.vectors, reference)
        figures["versions"] = dict(measured.versions)
        found[peer.name] = figures
    return found


def _quality(context: Context, tell: Progress) -> dict[str, Any]:
    """STSBenchmark and SciFact with the fast and the exact class; see ``benchmarks.figures``."""
    from benchmarks import figures
    from benchmarks.data import scifact, stsbenchmark
    from nearfield.errors import NearfieldError
    from nearfield.models.precision import Precision
    from nearfield.models.resolve import load

    tasks: dict[str, Any] = {}
    try:
        pairs = stsbenchmark(context.data)
        measures = {"STSBenchmark Spearman": partial(figures.similarity, task=pairs)}
        if not context.quick:
            corpus = scifact(context.data)
            measures["SciFact nDCG@10"] = partial(
                figures.retrieval, task=corpus, progress=figures.Progress()
            )
        for kind in (Precision.FAST, Precision.EXACT):
            encoder = load(_MINILM, precision=kind)
            for task, measure in measures.items():
                tell(f"{task}, {kind}")
                tasks.setdefault(task, {})[str(kind)] = round(100 * measure(encoder), 4)
    except (DataMissing, NearfieldError) as error:
        return {"tasks": tasks, "missing": str(error)}
    return {"tasks": tasks}


def _plan(plan: Plan, context: Context) -> Plan:
    if context.quick:
        return plan
    return Plan(context.repeat, plan.seconds, plan.fewest, plan.most, plan.queries, plan.vectors)


def _flags(machine: Mapping[str, Json]) -> list[str]:
    flags = machine["flags"]
    assert isinstance(flags, list)
    return [str(flag) for flag in flags]


def _instructions(machine: Mapping[str, Json]) -> str:
    names = ", ".join(flag for flag in _flags(machine) if "amx" in flag or "avx" in flag)
    return names or "no AVX"


def _versions(figures: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in figures["contenders"].values():
        # Environments differ in what the libraries stand on; the first one is the reference's.
        found = {**each["versions"], **found}
    return found


def _lines(figures: Mapping[str, Any]) -> list[str]:
    """What is printed at the end."""
    kernel = figures["contenders"].get(FAST, {}).get("runtime", "not measured")
    lines = [f"{FAST}: {kernel}, on {figures['machine']}"]
    if not figures["amx"]:
        lines.append("This processor has no AMX: the speed targets were set for one that has it.")
    lines += ["", *targets.printed(figures["table"])]
    for name, reason in figures["left out"].items():
        lines.append(f"left out: {name}: {reason}")
    return lines
