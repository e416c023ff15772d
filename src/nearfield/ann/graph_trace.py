"""One graph search as a record, and the record as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nearfield.ann.graph_walk import Walk

__all__ = ["Hop", "LayerTrace", "Scored", "Trace", "render", "trace_of"]

_WIDTH = 100
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Scored:
    """A slot and its estimated score, higher is closer."""

    slot: int
    estimate: float


@dataclass(frozen=True, slots=True)
class Hop:
    """A slot whose neighbours were looked at.

    Attributes
    ----------
    slot : int
    estimate : float
        Of its own score, higher is closer.
    compared : int
        Neighbours whose scores were computed.
    taken : int
        Those worth going on with: closer than the slot on upper layers, among the ef closest on
        the lowest.
    """

    slot: int
    estimate: float
    compared: int
    taken: int


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """What a search did on one layer.

    Attributes
    ----------
    layer : int
        0 is the lowest, on which every slot lies.
    slots : int
        How many lie on it.
    hops : tuple of Hop
        The first one is the entry point of the layer.
    """

    layer: int
    slots: int
    hops: tuple[Hop, ...]

    @property
    def entry(self) -> Hop:
        """Where the search came in."""
        return self.hops[0]

    @property
    def computed(self) -> int:
        """Scores computed on this layer."""
        return sum(hop.compared for hop in self.hops)


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole search.

    Attributes
    ----------
    count : int
        Slots in the graph.
    m, k, ef : int
    layers : tuple of LayerTrace
        From the highest to the lowest; none for an empty graph.
    kept : tuple of Scored
        The ef closest that were found, best first; the first k are the answer.
    computed : int
        Scores computed in all, that of the graph's entry point included.
    stopped : bool
        Whether the bound on the effort ended the search.
    """

    count: int
    m: int
    k: int
    ef: int
    layers: tuple[LayerTrace, ...]
    kept: tuple[Scored, ...]
    computed: int
    stopped: bool

    @property
    def hops(self) -> int:
        """Slots whose neighbours were looked at."""
        return sum(len(layer.hops) for layer in self.layers)


def trace_of(walk: Walk, found: list[tuple[float, int]], k: int, ef: int) -> Trace:
    """Put a finished walk into the form that people read."""
    links = walk.links
    levels = links.levels[: links.count]

    def estimate(distance: float) -> float:
        return float(walk.space.estimates(np.array([distance], dtype=np.float32))[0])

    layers = tuple(
        LayerTrace(
            layer=layer,
            slots=int((levels >= layer).sum()),
            hops=tuple(
                Hop(step.slot, estimate(step.distance), step.compared, step.taken)
                for step in walk.steps
                if step.layer == layer
            ),
        )
        for layer in range(links.top, -1, -1)
    )
    kept = tuple(Scored(slot, estimate(distance)) for distance, slot in found)
    return Trace(links.count, links.m, k, ef, layers, kept, walk.computed, walk.stopped)


def render(trace: Trace, label: Callable[[int], str] | None = None, *, hops: int = _SHOWN) -> str:
    """Write a trace as plain text, at most 100 columns wide.

    Parameters
    ----------
    trace : Trace
    label : callable of int to str, optional
        The text behind a slot.
    hops : int
        Most hops to show of each layer; the rest is summed up.
    """
    share = 100.0 * trace.computed / trace.count if trace.count else 0.0
    lines = [
        f"{trace.computed:,} of {trace.count:,} vectors compared ({share:.3g}%) in "
        f"{trace.hops:,} hops; M {trace.m}, ef {trace.ef}, k {trace.k}"
    ]
    for layer in trace.layers:
        lines += ["", *_layer_lines(layer, label, hops)]
    answer = trace.kept[: trace.k]
    lines += ["", f"answer: the best {len(answer)} of {len(trace.kept)} kept"]
    lines += [
        _line(f"{rank:>4}", found.slot, found.estimate, "", label)
        for rank, found in enumerate(answer, start=1)
    ]
    if trace.stopped:
        lines.append("the search hit its bound: closer vectors may have been missed")
    return "\n".join(lines) + "\n"


def _layer_lines(layer: LayerTrace, label: Callable[[int], str] | None, most: int) -> list[str]:
    lines = [
        f"layer {layer.layer}: {_counted(layer.slots, 'vector')}, "
        f"{_counted(len(layer.hops), 'hop')}, {layer.computed:,} compared",
        f"{'hop':>4}  {'slot':>9}  {'score':>8}  {'compared':>8}  {'taken':>5}",
    ]
    for number, hop in enumerate(layer.hops[:most], start=1):
        counts = f"  {hop.compared:>8}  {hop.taken:>5}"
        lines.append(_line(f"{number:>4}", hop.slot, hop.estimate, counts, label))
    rest = layer.hops[most:]
    if rest:
        compared, taken = sum(hop.compared for hop in rest), sum(hop.taken for hop in rest)
        lines.append(f"   …  {len(rest):,} more hops {'':>9}  {compared:>8}  {taken:>5}")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _line(
    number: str, slot: int, estimate: float, counts: str, label: Callable[[int], str] | None
) -> str:
    line = f"{number}  {slot:>9}  {estimate:>8.4f}{counts}"
    if label is None:
        return line
    text = " ".join(label(slot).split())
    room = _WIDTH - len(line) - 2
    return f"{line}  {text if len(text) <= room else text[: room - 1] + '…'}"
