"""What can be asked of a collection; nothing here changes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy.typing as npt

from nearfield.collection.asking import Answering, AskOptions, answerer
from nearfield.collection.calls import as_filter, asked_with, searched_with
from nearfield.collection.defaults import SearchDefaults
from nearfield.collection.following import Following
from nearfield.collection.model import precision_of
from nearfield.collection.opened import Opened
from nearfield.collection.options import Chunking, IndexOptions, chunker_for
from nearfield.collection.roots import is_stale, roots_of, update_options
from nearfield.collection.searching import Rerank
from nearfield.filters import Filter
from nearfield.models.precision import AUTO
from nearfield.protocols import Chunker, Encoder, Generator, Reranker
from nearfield.search.calibration import Calibration, Verdict
from nearfield.search.options import Mode, SearchOptions
from nearfield.stores.local import AuditReport, LiveAudit, LocalStore, SourceState, VerifyReport
from nearfield.types import Answer, Chunk, FloatArray, Hit, Message, Piece, Role

__all__ = ["CollectionReader"]


class CollectionReader:
    """Passages and their vectors in one directory, and the model that made them, to be read.

    Where a migration puts another collection in the directory, that one is read from then on, by
    its own model. Ready vectors of the former one are refused (StoreReplaced).

    Parameters
    ----------
    path : Path
        The collection's directory; it must exist.
    encoder : Encoder, optional
        Used instead of loading the model that the collection names.
    precision : str
        Class to load that model in; by default the one that made the vectors.
    """

    def __init__(
        self, path: Path, *, encoder: Encoder | None = None, precision: str = AUTO
    ) -> None:
        self.path = path
        self._following = Following(path, encoder, precision)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the collection's files; closing twice is harmless."""
        self._following.close()

    @property
    def model(self) -> str:
        """Name of the model that made the vectors."""
        return self.store.properties["encoder"]

    @property
    def precision(self) -> str:
        """Precision class of the vectors."""
        return precision_of(self.store.properties)

    @property
    def chunking(self) -> Chunking:
        """How files are cut."""
        return Chunking(**json.loads(self.store.properties["chunking"]))

    @property
    def roots(self) -> tuple[str, ...]:
        """Files and folders that were indexed into it, sorted."""
        return roots_of(self.store)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the model that made the vectors, 64 hexadecimal characters."""
        return self.store.fingerprint

    @property
    def defaults(self) -> SearchDefaults:
        """How it is searched where a caller says nothing."""
        return SearchDefaults.of(self.store.properties)

    @property
    def store(self) -> LocalStore:
        """The store of the collection that stands at the path, opened for reading."""
        return self._following.now.store

    @property
    def encoder(self) -> Encoder:
        """The collection's model, loaded at first use in the class that made the vectors.

        Where that class is not possible, the model is loaded in another one, with a warning:
        enough to search, and refused for writing.

        Raises
        ------
        FingerprintMismatch
            The model of that name is not the one that made the vectors.
        """
        return self._following.now.encoder

    def count(self, *, where: Filter | str | None = None) -> int:
        """Return how many passages there are, or how many match a filter."""
        wanted = as_filter(where)
        return self._following.ask(lambda opened: opened.store.count(where=wanted))

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """Passages in the order of `ids`; UnknownId names those that are missing."""
        return self._following.ask(lambda opened: opened.store.get(ids))

    def search(
        self,
        query: str | None = None,
        *,
        vector: npt.ArrayLike | None = None,
        k: int | None = None,
        where: Filter | str | None = None,
        mode: Mode | str | None = None,
        rerank: Rerank = None,
        options: SearchOptions | None = None,
    ) -> list[Hit]:
        """Find passages.

        Parameters
        ----------
        query : str, optional
            A question or a few words, in any language that the model knows.
        vector : array-like of shape (dimension,), optional
            A ready vector instead of a query, for the mode ``dense``.
        k : int, optional
            Most hits to return, at least 1; 10 where neither the options nor the collection's own
            defaults say something else.
        where : Filter or str, optional
            Such as ``'lang = "en" and year >= 2020'``.
        mode : {"dense", "lexical", "hybrid", "sparse", "late"}
            Meaning (where the options say nothing else), words, both, learned weights of words, or
            every token with every token.
        rerank : bool, str or Reranker, optional
            Read the best candidates again together with the question: True for the default
            reranker, or its name.
        options : SearchOptions, optional
            Fusion, diversity, grouping and how many candidates. What is given above goes before
            what they say; without them and without a mode the collection's defaults hold.

        Returns
        -------
        list of Hit
            Best first; higher scores are closer. With a calibration for the mode each hit has a
            confidence.

        Raises
        ------
        InputError
            Neither or both of `query` and `vector` are given, the query is blank, or k < 1.
        FingerprintMismatch
            The model at hand is not the one that made the vectors.
        StoreReplaced
            A vector is given, and the collection was migrated to another model since it was opened.
        """
        if options is None and mode is None and query is not None:
            options = self.defaults.options
            rerank = self.defaults.rerank or None if rerank is None else rerank
        chosen = searched_with(options, k, where)
        if mode is not None:
            chosen = replace(chosen, mode=Mode.of(mode))
        return self._following.ask(
            lambda opened: opened.searcher.search(query, vector, chosen, rerank),
            ready=vector is not None,
        )

    def similar(
        self,
        like: Sequence[str],
        *,
        unlike: Sequence[str] = (),
        k: int | None = None,
        where: Filter | str | None = None,
        options: SearchOptions | None = None,
    ) -> list[Hit]:
        """Find passages like some and unlike others.

        Parameters
        ----------
        like, unlike : sequence of str
            Ids of passages; at least one of the first.
        k : int, optional
        where : Filter or str, optional
        options : SearchOptions, optional
            Diversity and grouping; what is given above goes before what they say.

        Raises
        ------
        UnknownId
            An example is not in the collection.
        InputError
            There is nothing to be like, or the examples cancel each other out.
        """
        chosen = searched_with(options, k, where)
        return self._following.ask(lambda opened: opened.searcher.similar(like, unlike, chosen))

    def ask(
        self,
        question: str,
        *,
        k: int | None = None,
        where: Filter | str | None = None,
        generator: Generator | str | None = None,
        history: Sequence[Message] = (),
        options: AskOptions | None = None,
    ) -> Answer:
        """Answer a question from the passages, with citations that are checked.

        Parameters
        ----------
        question : str
        k : int, optional
            Passages to find, at least 1; 5 where the options say nothing else.
        where : Filter or str, optional
        generator : Generator or str, optional
            What writes the answer: ``smollm2-135m-instruct``, the path of a GGUF file,
            ``openai:MODEL``, ``anthropic:MODEL``; ``extractive`` for the documents' own sentences.
            Without one the local default where it is installed, else ``extractive``.
        history : sequence of Message
            What was said before: the question is made whole by it before it is searched for.
        options : AskOptions, optional
            Context, expansion, thresholds. What is given above goes before what they say.

        Returns
        -------
        Answer
            Where the passages seem to hold no answer it says so (``abstained``), with the nearest.

        Raises
        ------
        InputError
            The question is blank, or the passages do not fit into the generator's context.
        UnsupportedOperation
            A history or an expansion was given, and nothing that could write.
        UnknownName, MissingExtra, ModelNotInstalled
            Of the generator.
        """
        return self._answering(generator).ask(
            question, history=history, options=asked_with(options, k, where)
        )

    def ask_stream(
        self,
        question: str,
        *,
        k: int | None = None,
        where: Filter | str | None = None,
        generator: Generator | str | None = None,
        history: Sequence[Message] = (),
        options: AskOptions | None = None,
    ) -> Iterator[Piece | Answer]:
        """Answer as it is written: pieces of plain text, and at the end the whole answer.

        The pieces have no citations yet: what supports a sentence is looked for when it is written.
        Parameters and errors are those of :meth:`ask`.
        """
        return self._answering(generator).stream(
            question, history=history, options=asked_with(options, k, where)
        )

    def _answering(self, generator: Generator | str | None) -> Answering:
        if generator is not None and not isinstance(generator, str):
            return answerer(self, generator)
        kept = self._following.now.answering
        if generator not in kept:
            kept[generator] = answerer(self, generator)
        return kept[generator]

    def asked(self, query: str) -> FloatArray | None:
        """The vector of the question that was searched for last, if it is this one.

        An answer compares it with sentences; reading it again would cost as much as searching.
        """
        return self._following.now.searcher.asked(query)

    def reranker(self, asked: Rerank = True) -> Reranker | None:
        """A reranker by name, True for the default one; loaded once."""
        return self._following.now.searcher.reranker(asked)

    def judge(self, hits: Sequence[Hit], *, mode: Mode | str = Mode.DENSE) -> Verdict | None:
        """Say whether anything relevant was found; None where the hits have no confidences.

        Confidences come with a calibration of the mode, for hits that were neither reranked nor
        spread nor grouped.
        """
        calibration = self._following.now.searcher.calibration(Mode.of(mode))
        if calibration is None or (hits and hits[0].confidence is None):
            return None
        return calibration.judge(hits)

    def encode_sparse(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Encode what the mode ``sparse`` has not encoded yet; the first search does so as well.

        Parameters
        ----------
        progress : callable of (encoded, all), optional
        """
        self._following.now.searcher.encode_sparse(progress)

    def calibration(self, mode: Mode | str = Mode.DENSE) -> Calibration | None:
        """What turns scores of a mode into probabilities; None where nobody calibrated."""
        return self._following.now.searcher.calibration(Mode.of(mode))

    def audit(
        self, *, k: int = 10, questions: Sequence[str] | None = None, sampled: int = 100
    ) -> AuditReport:
        """Measure recall of the search path in use against exact search.

        Parameters
        ----------
        k : int
        questions : sequence of str, optional
            Real questions; without them the collection's own vectors are asked.
        sampled : int
            How many of its own.
        """

        def audited(opened: Opened) -> AuditReport:
            queries = None
            if questions is not None:
                queries = opened.encoder.encode(questions, role=Role.QUERY)
            return opened.store.audit(k=k, queries=queries, sampled=sampled)

        return self._following.ask(audited)

    def audit_live(self, rate: float) -> LiveAudit:
        """Compare a share of the searches from now on with exact ones, in the background.

        For servers: ``so_far`` of what is returned says what they reached. Searches are compared
        after they were answered, by a thread of their own; closing ends it, and so does another
        call, or a migration. Those that ask for a path by name are not counted.

        Parameters
        ----------
        rate : float
            Share of the searches by vectors, 0 to 1; such as 0.001.

        Raises
        ------
        InputError
            It is no share.
        """
        return self._following.now.searcher.audit_live(rate)

    def update_options(self) -> IndexOptions:
        """What an update takes: the choices of the last ``index``, trusting size and time."""
        return update_options(self.store)

    def is_stale(self) -> bool:
        """Tell whether files were added, changed or removed since; reads no file's content."""
        return is_stale(self.store)

    def chunker(self) -> Chunker:
        """The chunker that this collection's files are cut with."""
        return chunker_for(self.chunking, self.encoder)

    def sources(self) -> list[SourceState]:
        """Every indexed file with its state and problems, by path."""
        return self.store.sources()

    def export(self, path: str | Path) -> int:
        """Write everything to a file or folder that :meth:`import_` takes back exactly.

        The ending chooses: ``.parquet``, ``.jsonl``, or a folder of npy and JSONL. Returns how
        many passages were written.
        """
        from nearfield.stores.transfer import export_store

        return export_store(self.store, path)

    def snapshot(self, target: str | Path) -> None:
        """Copy the collection as it is to a new folder, while others read and write it."""
        self.store.snapshot(target)

    def verify(self) -> VerifyReport:
        """Check every byte that counts; the report names what is wrong."""
        return self.store.verify()
