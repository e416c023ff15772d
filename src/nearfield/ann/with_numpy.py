"""Quantising and searching codes with NumPy, bit for bit as the compiled library does it.

For the rotated residual r = R (x - c) and its signs s, the product with a query is estimated
without bias by <r, q> ≈ |r|² / <s, r> · <s, q> (RaBitQ: Gao and Long, SIGMOD 2024); sixteen
uniform levels take the place of s in the same formula for the 4-bit rows (Gao et al., SIGMOD
2025, with one clipping for all). What the query has in common with the centre is known exactly
for every vector, so only the rest of the query is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nearfield.ann.arrays import allowed_slots
from nearfield.ann.lanes import lane_sums
from nearfield.ann.segments import BLOCK, SEGMENT, Parts
from nearfield.ann.space import Space
from nearfield.masks import Mask
from nearfield.metric import Metric
from nearfield.types import FloatArray, IntArray

__all__ = ["PreparedQuery", "Within", "encode", "halves", "prepare", "search"]

# A row of 4-bit levels lies 0.3375 standard deviations apart: 2.7 to each side, where the squared
# error of normally distributed values is least.
_STEP = np.float32(0.3375)
_ONE = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A query rotated and quantised, ready to be compared with codes.

    Attributes
    ----------
    coarse, fine : ndarray of float32, shape (width,)
        The rotated query in whole steps, for signs and for the rest of the 4-bit levels.
    coarse_step, fine_step : float32
    add_factor : float32
        Of what is stored to be added.
    centre_score : float32
        Cosine, dot: product with the centre; Euclidean: squared distance to it.
    length : float32
        Factor from estimates back to scores.
    rotated : ndarray of float32, shape (width,)
        Before it was quantised.
    norm : float32
        Its length.
    """

    coarse: FloatArray
    fine: FloatArray
    coarse_step: np.float32
    fine_step: np.float32
    add_factor: np.float32
    centre_score: np.float32
    length: np.float32
    rotated: FloatArray
    norm: np.float32


class Within(Protocol):
    """Lists that a search goes through; see :class:`nearfield.ann.lists.Lists`."""

    @property
    def covered(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def means(self) -> npt.NDArray[np.int8]: ...
    @property
    def floats(self) -> FloatArray: ...
    def block(self, number: int, /) -> tuple[Parts, npt.NDArray[np.uint32]]: ...
    def structure(self, reach: float, /) -> Any: ...  # noqa: ANN401


def prepare(space: Space, query: FloatArray) -> PreparedQuery:
    """Rotate and quantise a query of shape (dimension,)."""
    euclidean = space.metric is Metric.EUCLIDEAN
    length = space.scale
    if not euclidean:
        wide = query.astype(np.float64)
        length = float(np.sqrt(lane_sums((wide * wide)[None, :])[0]))
    factor = np.float32(1.0 / length) if length > 0.0 else np.float32(0.0)
    placed = np.zeros(space.width, dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        placed[: space.dimension] = query * factor
        common, score, back = _ONE, np.float32(0.0), np.float32(space.scale)
        if not euclidean:
            square, score = _product(space.centre, space.centre), _product(placed, space.centre)
            common = score / square if square > 1e-12 else np.float32(0.0)
            back = np.float32(length * space.scale) if space.metric is Metric.DOT else _ONE
        placed -= common * space.centre
        if euclidean:
            score = _product(placed, placed)
    if not np.abs(placed).max() < np.float32(1e15):
        placed[:] = 0.0  # beyond float32's sums: lengths decide
    rotated = space.rotated(placed[None, :])[0]
    coarse, coarse_step = _coarse(rotated)
    fine, fine_step = _stepped(rotated, np.abs(rotated).max() / np.float32(127.0))
    norm = np.sqrt(_product(rotated, rotated))
    return PreparedQuery(coarse, fine, coarse_step, fine_step, common, score, back, rotated, norm)


def encode(space: Space, vectors: FloatArray, unit: Parts, first: int) -> None:
    """Quantise vectors of shape (n, dimension) into a unit from its place `first` on."""
    for start in range(0, len(vectors), BLOCK):
        part = vectors[start : start + BLOCK]
        _encode_some(space, part, unit, np.arange(len(part)) + first + start)


def _encode_some(space: Space, vectors: FloatArray, unit: Parts, places: IntArray) -> None:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        residuals = space.placed(vectors)
        residuals[:, : space.dimension] -= space.centre[: space.dimension]
        adds = lane_sums(residuals * space.centre)
        turned = space.rotated(residuals)
        squares = lane_sums(turned * turned)
        if space.metric is Metric.EUCLIDEAN:
            adds = np.float32(-0.5) * squares
        measurable = squares < np.float32(1e30)
        usual = measurable & (squares > np.float32(1e-30))
        adds = np.where(measurable, adds, np.float32(np.nan))
        turned[~measurable] = 0.0
        factors = halves(np.where(usual, squares / lane_sums(np.abs(turned)), np.float32(0.0)))
        one_bit = _widened(factors)
        deviations = np.sqrt(squares / np.float32(space.width))
        steps = np.where(usual, _ONE / (_STEP * deviations), np.float32(0.0))
        scaled = np.clip(turned * steps[:, None], np.float32(-8.0), np.float32(7.0))
        levels = np.floor(scaled).astype(np.int32) + 8
        products = lane_sums((2 * levels - 15).astype(np.float32) * turned)
        ratios = squares / products / one_bit * np.float32(32768.0) + np.float32(0.5)
        ratios = np.where(one_bit > 0, np.minimum(ratios, np.float32(65535.0)), np.float32(0.0))
    blocks, lanes = places // BLOCK, places % BLOCK
    unit.signs[blocks, :, lanes] = np.packbits(turned >= 0, axis=1, bitorder="little")
    unit.rough_adds[blocks, lanes] = halves(adds)
    unit.factors[blocks, lanes] = factors
    unit.low[places] = _packed(levels)
    unit.adds[places] = adds
    unit.row_factors[places] = factors
    unit.ratios[places] = ratios.astype(np.uint16)


def search(
    space: Space,
    segments: list[Parts],
    count: int,
    query: PreparedQuery,
    coarse: int,
    fine: int,
    allowed: Mask | None,
    within: tuple[Within, float] | None = None,
) -> tuple[IntArray, FloatArray]:
    """Best slots and their estimated scores, at most `fine`, best first."""
    parts = [
        _one_bit_estimates(segment, query, min(SEGMENT, count - i * SEGMENT))
        for i, segment in enumerate(segments)
    ]
    estimates = np.concatenate(parts)
    kept = allowed_slots(allowed, count)
    if within is not None and within[0].count:
        kept = _listed(within[0], within[1], query, kept, estimates, (coarse + 1) // 2)
    kept = kept[_best(estimates[kept], kept, coarse)]
    estimates = _four_bit_estimates(segments, query, kept, estimates[kept])
    chosen = _best(estimates, kept, fine)
    return kept[chosen], _scores_of(space, query, estimates[chosen])


def _listed(
    lists: Within,
    reach: float,
    query: PreparedQuery,
    slots: IntArray,
    estimates: FloatArray,
    near: int,
) -> IntArray:
    """Those of some slots that a search in lists comes to, ascending."""
    steps, adds, spreads, add_spreads = lists.floats
    sums = (lists.means.astype(np.int64) @ query.fine.astype(np.int64)).astype(np.float32)
    with np.errstate(invalid="ignore"):
        means = query.add_factor * adds + query.fine_step * steps * sums
        spread = query.norm * spreads + np.abs(query.add_factor) * add_spreads
        bounds = means + np.float32(reach) * spread
    bounds[np.isnan(bounds)] = np.inf
    met = slots[slots >= lists.covered]
    for number in np.lexsort((np.arange(lists.count), -bounds)).tolist():
        known = estimates[met]
        known = np.sort(known[~np.isnan(known)])
        if len(known) >= near and bounds[number] <= known[-near]:
            break
        met = np.concatenate([met, np.intersect1d(slots, lists.block(number)[1])])
    return np.sort(met)


def _one_bit_estimates(segment: Parts, query: PreparedQuery, used: int) -> FloatArray:
    blocks = -(-used // BLOCK)
    bits = np.unpackbits(segment.signs[:blocks], axis=1, bitorder="little")
    signs = bits.astype(np.float32) * np.float32(2.0) - _ONE
    sums = np.einsum("bwv,w->bv", signs, query.coarse).reshape(-1)[:used]
    product = query.coarse_step * sums.astype(np.float32)
    added = query.add_factor * _widened(segment.rough_adds[:blocks].reshape(-1)[:used])
    factors = _widened(segment.factors[:blocks].reshape(-1)[:used])
    estimates: FloatArray = added + factors * product
    return estimates


def _four_bit_estimates(
    segments: list[Parts], query: PreparedQuery, slots: IntArray, one_bit: FloatArray
) -> FloatArray:
    """Estimates from 1-bit estimates, which have the product with the highest bits, and rows."""
    estimates = np.empty(len(slots), dtype=np.float32)
    whole = query.fine.astype(np.int32)
    for number in np.unique(slots // SEGMENT).tolist():
        chosen = np.flatnonzero(slots // SEGMENT == number)
        segment, places = segments[number], slots[chosen] % SEGMENT
        adds = segment.adds[places]
        signs = np.float32(8.0) * (one_bit[chosen] - query.add_factor * _rough(adds))
        sums = _unpacked(segment.low[places]) @ whole
        product = query.fine_step * (2 * sums - 7 * int(whole.sum())).astype(np.float32)
        ratios = segment.ratios[places].astype(np.float32) * np.float32(1.0 / 32768.0)
        rest = _widened(segment.row_factors[places]) * product
        estimates[chosen] = query.add_factor * adds + ratios * (signs + rest)
    return estimates


def _packed(levels: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """The low three bits of levels (n, width) as they stand in rows."""
    grouped = levels.reshape(len(levels), -1, 4, 16)
    lowest = (grouped & 3) << (2 * np.arange(4))[:, None]
    thirds = (grouped >> 2 & 1).reshape(len(levels), -1, 4, 2, 8)
    shifts = np.arange(4)[:, None] + 4 * np.arange(2)
    third = (thirds << shifts[..., None]).sum(axis=(2, 3))
    both = np.concatenate([lowest.sum(axis=2), third], axis=2)
    return both.reshape(len(levels), -1).astype(np.uint8)


def _unpacked(low: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """The inverse: numbers from 0 to 7, shape (n, width)."""
    parts = low.reshape(len(low), -1, 24).astype(np.int32)
    lowest = parts[:, :, None, :16] >> (2 * np.arange(4))[:, None] & 3
    shifts = np.arange(4)[:, None] + 4 * np.arange(2)
    third = parts[:, :, None, None, 16:] >> shifts[..., None] & 1
    levels: npt.NDArray[np.int32] = lowest | third.reshape(lowest.shape) << 2
    return levels.reshape(len(low), -1)


def _scores_of(space: Space, query: PreparedQuery, estimates: FloatArray) -> FloatArray:
    """The metric's scores that estimates stand for; never NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        if space.metric is Metric.EUCLIDEAN:
            squares = query.centre_score - np.float32(2.0) * estimates
            scores = -query.length * np.sqrt(np.where(squares > 0, squares, np.float32(0.0)))
            scores[np.isnan(estimates)] = -0.0
        else:
            scores = query.length * (estimates + query.centre_score)
    scores[np.isnan(scores)] = np.inf
    found: FloatArray = scores
    return found


def _best(estimates: FloatArray, slots: IntArray, most: int) -> IntArray:
    """Places of the highest estimates, best first, ties by slot; NaN stands above all."""
    keys = np.where(np.isnan(estimates), np.inf, estimates)
    order = np.lexsort((slots, -keys, ~np.isnan(estimates)))
    return order[:most].astype(np.int64)


def _coarse(rotated: FloatArray) -> tuple[FloatArray, np.float32]:
    """Round to whole steps, so wide that sums of four stay below 64 and of all inside 16 bits."""
    most = min(63, 262140 // len(rotated))
    sizes = np.abs(rotated).reshape(-1, 4)
    widest = (sizes[:, 0] + sizes[:, 1] + (sizes[:, 2] + sizes[:, 3])).max()
    return _stepped(rotated, widest / np.float32(most - 2))


def _stepped(values: FloatArray, step: np.float32) -> tuple[FloatArray, np.float32]:
    if not step > np.float32(1e-30):
        return np.zeros_like(values), np.float32(0.0)
    return np.rint(values / step), step


def _product(a: FloatArray, b: FloatArray) -> np.float32:
    return np.float32(lane_sums((a * b)[None, :])[0])


def halves(values: FloatArray) -> npt.NDArray[np.uint16]:
    """bfloat16, half of a float32's bits: nearest, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype(np.uint16)


def _rough(values: FloatArray) -> FloatArray:
    return _widened(halves(values))


def _widened(halves: npt.NDArray[np.uint16]) -> FloatArray:
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)
