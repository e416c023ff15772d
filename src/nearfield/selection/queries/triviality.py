"""Which drafts would tell no system from another, or have no answer of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from nearfield.lexical.analysis import Analyzer
from nearfield.selection.queries.draft import Draft, changed, span_in
from nearfield.selection.queries.passages import Passages, terms_of
from nearfield.selection.queries.questions import Kind, Reject
from nearfield.types import Document

__all__ = ["Judge"]

_ENDED = re.compile(r"[.!?…。．！？।؟።։၊။][\"'”’»)\]*_`]*$")
_UNMARKED = re.compile("[\u0e00-\u0eff\u1780-\u17ff]")
"""Thai, Lao and Khmer, whose sentences need no mark."""

_CODE = re.compile(r"\||```|^(?:\$|>>>|#|//|<)")

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FEWEST_TERMS = 3
_FEWEST_RARE = 2
_RARE = 0.1
"""A word that stands in at most this share of all passages says something."""

_LETTERS = 0.6
"""Share of letters below which a line is a table, a reference or a formula."""

_REPEATED = 0.8
"""Share of a question's runs of three words from which a passage repeats it."""

_COVERED = 0.9
"""Share of a question's words, by weight, from which a passage may answer it."""

_COMMON = 3
"""So many passages elsewhere make a repeated line boilerplate, and a question ambiguous."""


class Judge:
    """Judges drafts against all passages of a collection.

    Parameters
    ----------
    documents : mapping of str to Document
    drafts : sequence of Draft
        All that will be judged.
    """

    def __init__(self, documents: Mapping[str, Document], drafts: Sequence[Draft]) -> None:
        self._documents = documents
        self._index = {id_: index for index, id_ in enumerate(documents)}
        self._analyzer = Analyzer()
        self._terms = {draft.question: terms_of(self._analyzer, draft.question) for draft in drafts}
        self._passages = Passages(documents.values(), list(self._terms.values()), self._analyzer)

    def reason(self, draft: Draft) -> Reject | None:
        """Why a draft is no good question; None for a good one."""
        terms = self._terms[draft.question]
        if (nothing := self._says_nothing(draft, terms)) is not None:
            return nothing
        numbers = self._passages.numbers(terms)
        elsewhere = self._elsewhere(draft)
        return (
            self._stands_elsewhere(numbers, elsewhere)
            or self._says_little(numbers)
            or self._is_answered(draft, terms, numbers, elsewhere)
        )

    def _says_nothing(self, draft: Draft, terms: Sequence[str]) -> Reject | None:
        if draft.kind is Kind.GENERATED and not draft.question:
            return Reject.MALFORMED
        if len(terms) < _FEWEST_TERMS:
            return Reject.TOO_SHORT
        if sum(map(str.isalpha, draft.question)) < _LETTERS * len(draft.question.replace(" ", "")):
            return Reject.BOILERPLATE
        if draft.kind is Kind.SENTENCE and not _is_prose(draft.question):
            return Reject.NO_PROSE
        return None

    def _says_little(self, numbers: Numbers) -> Reject | None:
        count = self._passages.count
        # Of a few passages a telling word may stand in up to half of them.
        most = max(_RARE * count, min(count / 2, 5.0))
        rare = self._passages.frequency(np.unique(numbers)) <= most
        return Reject.TOO_SHORT if int(rare.sum()) < _FEWEST_RARE else None

    def _stands_elsewhere(self, numbers: Numbers, elsewhere: Flags) -> Reject | None:
        repeated = int((elsewhere & (self._passages.repetition(numbers) >= _REPEATED)).sum())
        if not repeated:
            return None
        return Reject.BOILERPLATE if repeated >= _COMMON else Reject.DUPLICATE

    def _is_answered(
        self, draft: Draft, terms: Sequence[str], numbers: Numbers, elsewhere: Flags
    ) -> Reject | None:
        """Whether many passages could answer it, or none but its own, which any system finds."""
        covering = elsewhere & (self._passages.coverage(numbers) >= _COVERED)
        if int(covering.sum()) >= _COMMON:
            return Reject.AMBIGUOUS
        if not covering.any() and self._is_verbatim(draft, terms):
            return Reject.VERBATIM
        return None

    def _elsewhere(self, draft: Draft) -> Flags:
        """Passages that stand neither in the answer nor in what is taken out for it."""
        passages = self._passages
        own = passages.document == self._index[draft.document]
        spans = [draft.answer, *draft.cuts]
        inside = np.zeros(passages.count, dtype=np.bool_)
        for start, end in spans:
            inside |= (passages.start < end) & (passages.end > start)
        elsewhere: Flags = ~own | (~inside & (passages.start >= 0))
        return elsewhere

    def _is_verbatim(self, draft: Draft, terms: Sequence[str]) -> bool:
        """Whether what is left holds every word of the question, so that any system finds it."""
        document, shortened = changed(self._documents[draft.document], [draft])
        span = span_in(draft, shortened)
        left = terms_of(self._analyzer, document.text[span.start : span.end])
        return set(terms) <= set(left)


def _is_prose(sentence: str) -> bool:
    """Whether a sentence ends as one, and is no row of a table and no line of code.

    Examples
    --------
    >>> [_is_prose(text) for text in ("It is dry.", "| it | is |", "$ ls -l", "Results of May")]
    [True, False, False, False]
    """
    ended = _ENDED.search(sentence) is not None or _UNMARKED.search(sentence) is not None
    return ended and _CODE.search(sentence) is None
