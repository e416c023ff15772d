"""From documents to questions whose answers are known, with counts of what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from nearfield.errors import InputError
from nearfield.evaluation.tasks import RetrievalTask
from nearfield.protocols import Generator
from nearfield.selection.queries import generated, headings, sentences, titles
from nearfield.selection.queries.draft import Draft, changed, span_in
from nearfield.selection.queries.questions import Kind, Questions, Reject, Span
from nearfield.selection.queries.triviality import Judge
from nearfield.types import Document

__all__ = ["generate"]

_SPARE = 4
"""Drafts for each question that is wanted, because many are left out."""

_SPARE_GENERATED = 2
"""Of a language model fewer, because each takes it seconds."""


def generate(
    documents: Mapping[str, Document],
    *,
    count: int = 300,
    seed: int = 0,
    kinds: Sequence[Kind | str] | None = None,
    generator: Generator | None = None,
) -> Questions:
    """Make questions of the documents themselves, each with one document that answers it.

    Parameters
    ----------
    documents : mapping of str to Document
        By id.
    count : int
        Most questions; fewer come where the documents do not give more.
    seed : int
        Decides which documents ask, and what.
    kinds : sequence of {"title", "heading", "sentence", "generated"}, optional
        What to make questions of; by default of everything there is, ``generated`` where there is
        a generator. Each kind gives an equal share, or what it can.
    generator : Generator, optional
        Writes questions of the kind ``generated``.

    Returns
    -------
    Questions

    Raises
    ------
    InputError
        No question could be made; the message counts the reasons.

    Examples
    --------
    >>> texts = {
    ...     "violin": "A violin has four strings. They were made of gut once. Rosin helps the bow.",
    ...     "bee": "Bees dance to tell where nectar is. A hive has one queen. Drones do not work.",
    ... }
    >>> made = generate({id_: Document(id_, text) for id_, text in texts.items()}, count=2)
    >>> len(made.task.queries), len(made.task.documents), sorted(set(made.kinds.values()))
    (2, 2, [<Kind.SENTENCE: 'sentence'>])
    """
    chosen = _kinds(kinds, generator)
    if count < 1:
        raise InputError(f"count is {count}: ask for at least 1 question")
    chance = np.random.default_rng(seed)
    ids = list(documents)
    order = [documents[ids[place]] for place in chance.permutation(len(ids)).tolist()]
    pools = {kind: _pool(kind, order, count, chance, generator) for kind in chosen}
    judge = Judge(documents, [draft for pool in pools.values() for draft in pool])
    accepted, rejected, judged = _accepted(pools, judge, count)
    if not accepted:
        reasons = ", ".join(f"{number} {reason}" for reason, number in rejected.items())
        raise InputError(
            f"no question could be made of {len(documents):,} documents ({judged} drafts"
            f"{': ' + reasons if reasons else ', none has titles, headings or three sentences'}): "
            "give questions of your own"
        )
    return _questions(documents, accepted, rejected, judged)


def _kinds(kinds: Sequence[Kind | str] | None, generator: Generator | None) -> list[Kind]:
    if kinds is None:
        return [kind for kind in Kind if kind is not Kind.GENERATED or generator is not None]
    chosen = list(dict.fromkeys(Kind.of(kind) for kind in kinds))
    if not chosen:
        raise InputError(f"no kind of question is given: name some of {', '.join(Kind)}")
    if Kind.GENERATED in chosen and generator is None:
        raise InputError("questions of the kind 'generated' need a generator")
    return chosen


def _pool(
    kind: Kind,
    documents: Sequence[Document],
    count: int,
    chance: np.random.Generator,
    generator: Generator | None,
) -> list[Draft]:
    """Drafts of one kind: a few from each document that the order brings."""
    wanted = count * (_SPARE_GENERATED if kind is Kind.GENERATED else _SPARE)
    each = -(-wanted // max(len(documents), 1))
    rounds: list[Iterator[Draft]] = []
    pool: list[Draft] = []
    for document in documents:
        if len(pool) >= wanted:
            break
        made = _drafts(kind, document, each, chance, generator)
        first = next(made, None)
        if first is not None:
            pool.append(first)
            rounds.append(made)
    # Documents that give a second question come after all first ones.
    for made in rounds:
        if len(pool) >= wanted:
            break
        for _, draft in zip(range(each - 1), made, strict=False):
            pool.append(draft)
    return pool[:wanted]


def _drafts(
    kind: Kind,
    document: Document,
    most: int,
    chance: np.random.Generator,
    generator: Generator | None,
) -> Iterator[Draft]:
    match kind:
        case Kind.TITLE:
            return titles.drafts(document)
        case Kind.HEADING:
            found = list(headings.drafts(document))
            return iter([found[at] for at in chance.permutation(len(found)).tolist()])
        case Kind.SENTENCE:
            return sentences.drafts(document, chance, most)
        case Kind.GENERATED:
            assert generator is not None
            return generated.drafts(document, chance, most, generator)


def _accepted(
    pools: Mapping[Kind, Sequence[Draft]], judge: Judge, count: int
) -> tuple[list[Draft], Counter[Reject], int]:
    """The first good drafts, kinds in turn; a document is asked twice only when all are asked."""
    taken: dict[str, list[Draft]] = {}
    rejected: Counter[Reject] = Counter()
    accepted: list[Draft] = []
    judged = 0

    def good(drafts: list[Draft], later: list[Draft] | None) -> Draft | None:
        nonlocal judged
        while drafts:
            draft = drafts.pop()
            others = taken.get(draft.document, [])
            if others and later is not None:
                later.append(draft)
                continue
            if any(draft.clashes(other) for other in others):
                continue
            judged += 1
            reason = judge.reason(draft)
            if reason is None:
                return draft
            rejected[reason] += 1
        return None

    waiting = [list(reversed(pool)) for pool in pools.values()]
    postponed: list[list[Draft]] = [[] for _ in waiting]
    for again in (False, True):
        if again:
            waiting = [list(reversed(drafts)) for drafts in postponed]
        while len(accepted) < count and any(waiting):
            for drafts, later in zip(waiting, postponed, strict=True):
                found = good(drafts, None if again else later) if len(accepted) < count else None
                if found is not None:
                    accepted.append(found)
                    taken.setdefault(found.document, []).append(found)
    return accepted, rejected, judged


def _questions(
    documents: Mapping[str, Document],
    accepted: Sequence[Draft],
    rejected: Mapping[Reject, int],
    judged: int,
) -> Questions:
    owners: dict[str, list[Draft]] = {}
    for draft in accepted:
        owners.setdefault(draft.document, []).append(draft)
    renewed = dict(documents)
    places: dict[int, Span] = {}
    for id_, drafts in owners.items():
        renewed[id_], shortened = changed(documents[id_], drafts)
        for draft in drafts:
            places[id(draft)] = span_in(draft, shortened)
    numbered: Counter[Kind] = Counter()
    names: dict[str, Draft] = {}
    for draft in sorted(accepted, key=lambda each: list(Kind).index(each.kind)):
        names[f"{draft.kind}-{numbered[draft.kind]}"] = draft
        numbered[draft.kind] += 1
    task = RetrievalTask(
        "questions without labels",
        renewed,
        {name: draft.question for name, draft in names.items()},
        {name: {draft.document: 1} for name, draft in names.items()},
        split="label-free",
    )
    return Questions(
        task,
        {name: places[id(draft)] for name, draft in names.items()},
        {name: draft.kind for name, draft in names.items()},
        {reason: rejected[reason] for reason in Reject if rejected.get(reason)},
        judged,
    )
