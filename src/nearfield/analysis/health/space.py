"""All figures of one embedding space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearfield.analysis.health.figure import Figure
from nearfield.analysis.health.neighbours import Neighbours, neighbours
from nearfield.analysis.health.shape import Shape, shape
from nearfield.errors import InputError
from nearfield.types import FloatArray

__all__ = ["SpaceHealth", "examine"]

_INFINITE = float("inf")
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class SpaceHealth:
    """What an embedding space is like.

    Attributes
    ----------
    vectors, dimension : int
        Rows that were given, and components of each.
    sampled : int
        Rows that were looked at: all, or a random sample.
    unusable : int
        Rows that are zero or not finite; they are left out.
    shape : Shape
    neighbours : Neighbours
    """

    vectors: int
    dimension: int
    sampled: int
    unusable: int
    shape: Shape
    neighbours: Neighbours

    def figures(self) -> list[Figure]:
        """Every figure with its meaning, its usual range, and the source of both."""
        return [*self._directions(), *self._closeness()]

    def _directions(self) -> list[Figure]:
        found = self.shape
        spread = (found.longest - found.shortest) / max(found.mean_length, 1e-12)
        return [
            Figure(
                "unusable vectors",
                self.unusable,
                "vectors of zeros, NaN or infinity: no search can find them",
                0,
                0,
                "a store refuses them",
            ),
            Figure(
                "spread of lengths",
                spread,
                "longest less shortest, over the mean; 0 for unit vectors, and of no account where "
                "cosines are compared",
                0,
                0.001,
                "model cards with normalised vectors; more is right for models made for dot",
            ),
            Figure(
                "anisotropy",
                found.anisotropy,
                "mean cosine of two random passages: near 1 all look alike, and thresholds on "
                "scores mean little",
                -0.1,
                0.5,
                "Ethayarajh 2019; on varied texts all-MiniLM-L6-v2 has 0.05, all-mpnet-base-v2 "
                "0.08, WordLlama 0.24, bge-small 0.71 by its training, means of GloVe 0.94",
            ),
            Figure(
                "dominant dimension",
                found.dominant_share,
                "share of the mean cosine that one dimension makes by itself",
                0,
                0.5,
                "Timkey and van Schijndel 2021: few dimensions can dominate cosine",
            ),
            Figure(
                "dead dimensions",
                len(found.dead),
                "components that hardly vary: memory without use",
                0,
                0.01 * self.dimension,
                "variance below 1/10,000 of the mean; all-MiniLM-L6-v2 has 3 of 384, "
                "all-mpnet-base-v2 4 of 768",
            ),
            Figure(
                "effective rank share",
                found.effective_rank / self.dimension,
                "share of the dimensions that the variance is spread over as if evenly",
                0.3,
                1,
                "Roy and Vetterli 2007; models have 0.6 to 0.9 on varied texts, narrow ones less",
            ),
            Figure(
                "first component",
                found.first_component,
                "share of the variance along its largest direction",
                0,
                0.2,
                "Mu and Viswanath 2018 (All-but-the-top): large ones are common to all texts",
            ),
        ]

    def _closeness(self) -> list[Figure]:
        found = self.neighbours
        return [
            Figure(
                "hubness",
                found.hubness,
                f"skewness of how often a passage is among the {found.k} nearest of others: hubs "
                "turn up for every question",
                -_INFINITE,
                1.4,
                "Radovanović et al. 2010; above 1.4 is called high by Schnitzer et al. 2014",
            ),
            Figure(
                "orphans",
                found.orphans,
                f"share of passages that are among nobody's {found.k} nearest",
                0,
                0.1,
                "antihubs, Radovanović et al. 2010",
            ),
            Figure(
                "intrinsic dimension",
                found.intrinsic_dimension,
                "how many directions a passage can move in among its neighbours; search is "
                "harder the more there are",
                5,
                40,
                "TwoNN, Facco et al. 2017; five models have 6 to 19 on varied texts",
            ),
            Figure(
                "duplicates",
                found.same,
                "share of passages with an identical one: they take places among the hits",
                0,
                0.01,
                "cosine distance at most 1e-6",
            ),
            Figure(
                "near-duplicates",
                found.alike,
                "share of passages with one that says nearly the same",
                0,
                0.05,
                "cosine distance at most 0.02; Lee et al. 2022 on duplicates in corpora",
            ),
        ]


def examine(vectors: FloatArray, *, k: int = 10, most: int = 5000, seed: int = 0) -> SpaceHealth:
    """Look at a space of vectors.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, dimension)
    k : int
        Neighbours that count for hubs.
    most : int
        Of more rows a random sample of so many is looked at.
    seed : int
        Decides the sample.

    Raises
    ------
    InputError
        Fewer than 20 rows, or no more than `k`, are usable.

    Examples
    --------
    >>> chance = np.random.default_rng(0)
    >>> found = examine(chance.standard_normal((400, 8)).astype(np.float32))
    >>> abs(found.shape.anisotropy) < 0.02, found.shape.dead, round(found.shape.effective_rank)
    (True, (), 8)
    """
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.ndim != 2:
        raise InputError(f"vectors have shape {rows.shape}: expected (n, dimension)")
    sound = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
    usable = rows[sound]
    if len(usable) < max(_FEWEST, k + 1):
        raise InputError(
            f"{len(usable)} usable vectors say nothing about a space: give at least "
            f"{max(_FEWEST, k + 1)}"
        )
    if len(usable) > most:
        chosen = np.random.default_rng(seed).choice(len(usable), most, replace=False)
        usable = usable[np.sort(chosen)]
    return SpaceHealth(
        vectors=len(rows),
        dimension=rows.shape[1],
        sampled=len(usable),
        unusable=int((~sound).sum()),
        shape=shape(usable),
        neighbours=neighbours(usable, k),
    )
