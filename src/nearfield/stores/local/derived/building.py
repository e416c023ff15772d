"""Make and extend the derived parts, in the background while writing goes on and when it ends."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from nearfield.ann.codes import Codes
from nearfield.ann.graph import Graph, GraphOptions
from nearfield.ann.lists import Lists
from nearfield.cores import usable_cores
from nearfield.errors import StoreCorrupt, StoreError
from nearfield.lexical import Lexical
from nearfield.stores.columns import ColumnTable
from nearfield.stores.local.beside import beside
from nearfield.stores.local.database import Database
from nearfield.stores.local.derived.carrying import carry, targets_of
from nearfield.stores.local.derived.checking import check
from nearfield.stores.local.derived.folders import remove_strangers, set_aside, strangers
from nearfield.stores.local.derived.parts import (
    CODES_FILE,
    GRAPH_FILE,
    LISTS_FILE,
    SPARSE,
    Parts,
    emptied,
    folder_of,
    lists_owner,
    owner_of,
)
from nearfield.stores.local.derived.problems import Problems
from nearfield.stores.local.derived.recent import Recent
from nearfield.stores.local.derived.slots import SlotReader
from nearfield.stores.local.derived.tuning import (
    RECALL_TARGET,
    centring,
    tune,
    tune_graph,
    tune_lists,
)
from nearfield.stores.local.description import Description
from nearfield.stores.local.schema import DERIVED
from nearfield.stores.local.state import State, States
from nearfield.stores.local.writing import Placed
from nearfield.types import Chunk, IntArray

__all__ = ["EXACT_MOST", "Builder"]

EXACT_MOST = 10_000
"""Up to so many vectors all are compared: 0.5 ms with AVX-512 (384 dimensions), 2 ms with AVX2."""

LISTS_LEAST = 250_000
"""From so many vectors on their codes stand in lists, too; fewer are scanned as fast."""

Progress = Callable[[int, int], None]

# The background begins when so many slots are not covered, and takes so many in one transaction.
_STEP = 16_384
# Growth after which lists are made again: what came since is scanned one by one.
_GROWTH = 1.2
# Each segment of words costs every search; merging costs two seconds for a million passages.
_MERGED_SHARE = 0.7


class Builder:
    """Keeps the derived parts of a collection up to date; used by its one writer.

    What cannot be written is left out and told by :attr:`problems`: nothing is lost by it.

    Parameters
    ----------
    folder : Path
        The collection.
    database : Database
    description : Description
    states : States
    language : str
        Of the index of words; see :class:`nearfield.lexical.Language`.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        description: Description,
        states: States,
        language: str = "auto",
    ) -> None:
        self._problems = Problems(folder)
        self._folder = folder
        self._database = database
        self._description = description
        self._states = states
        self.language = language
        self.codes_from = EXACT_MOST + 1
        self.target = RECALL_TARGET
        self._parts: Parts | None = None
        self._lost_graph = False
        self._prepared = 0  # generation that words were carried over to
        self._recent = Recent()
        self._turn = threading.Lock()
        self._waking = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def problems(self) -> tuple[str, ...]:
        """What was left out, and why."""
        return self._problems.told

    def wake(self) -> None:
        """Begin to build in the background if enough has come; returns at once."""
        with self._waking:
            if self._thread is not None and self._thread.is_alive():
                return
            with self._database.read() as connection:
                slots = self._states.of(connection).slots
            parts = self._parts
            covered = parts.covered if parts is not None else 0
            if slots - covered < _STEP:
                return
            self._thread = threading.Thread(target=self._in_background, name="nearfield-derived")
            self._thread.start()

    def offer(self, placed: Placed, chunks: Sequence[Chunk]) -> None:
        """Hand over what was committed, to spare reading it back."""
        if chunks:
            self._recent.add(placed, chunks)

    def pause(self) -> None:
        """End the background's work after its present step."""
        self._stopping.set()
        self._wait()
        self._stopping.clear()

    def finish(self) -> None:
        """Cover every slot; waits for it."""
        self._wait()
        self._guarded(least=1)
        with self._turn:
            parts = self._parts
            if parts is not None:
                linked = parts.graph is not None
                remove_strangers(self._folder, parts.generation, linked=linked)

    def build_graph(self, options: GraphOptions, progress: Progress | None = None) -> Graph:
        """Build the graph of all slots anew and put it in the place of an older one.

        Searching goes on meanwhile; the graph is followed from then on by :meth:`finish`.

        Raises
        ------
        UnsupportedOperation
            The compiled part is missing.
        StoreError, OSError
            It cannot be written.
        """
        self.pause()
        with self._turn:
            return self._built_graph(options, progress)

    def _built_graph(self, options: GraphOptions, progress: Progress | None) -> Graph:
        with self._database.read() as connection:
            state = self._states.of(connection)
            parts = self._opened(state)
            owner = owner_of(self._description.collection, state.generation).hex()
            graph = Graph.build(
                state.vectors, options, threads=usable_cores(), progress=progress, tag=owner
            )
            graph.save(folder_of(self._folder, state.generation) / GRAPH_FILE)
            self._parts = replace(parts, graph=graph)
        self._lost_graph = False
        return graph

    def cover_words(self) -> None:
        """Index the words of every slot, to have them carried over to the next generation."""
        with self._problems.noted(), self._turn:
            while self._cover_words():
                pass

    def prepare(self, state: State, generation: int, former: list[IntArray]) -> None:
        """Carry words and learned weights over to a generation that does not count yet."""
        targets = targets_of(state.slots, former)
        identity = self._description.collection
        with self._problems.noted():
            self._problems.note(*carry(self._folder, identity, state, generation, targets))
            self._prepared = generation

    def renew(self) -> None:
        """Make everything derived afresh, whatever state it is in.

        What was carried over to this generation just now stays, and so do learned weights, for
        no one here could make them again.
        """
        self.pause()
        with self._turn:
            self.close()
            with self._database.read() as connection:
                current = folder_of(self._folder, self._states.of(connection).generation)
            for folder in (self._folder / DERIVED).glob("[0-9]*"):
                try:
                    if folder != current:
                        set_aside(folder)
                    elif int(folder.name) != self._prepared:
                        set_aside(folder, keeping=f"{SPARSE}-*")
                except OSError as error:  # the vectors are compacted all the same
                    self._problems.note(f"{folder} could not be removed: {error}")
        self._prepared = 0
        self.finish()

    def close(self) -> None:
        """Let go of the files."""
        if self._parts is not None and self._parts.codes is not None:
            self._parts.codes.close()
        self._parts = None

    def _wait(self) -> None:
        with self._waking:
            if self._thread is not None:
                self._thread.join()
                self._thread = None

    def _in_background(self) -> None:
        self._guarded(least=_STEP)

    def _guarded(self, least: int, *, again: bool = True) -> None:
        with self._problems.noted():
            try:
                self._brought_up_to_date(least)
            except StoreCorrupt as error:
                # Found where a part is merged or extended; the truth has it all, if it is whole.
                self._problems.note(str(error))
                if again and self._removed_damaged():
                    self._guarded(least, again=False)

    def _brought_up_to_date(self, least: int) -> None:
        with self._turn:
            while not self._stopping.is_set() and self._step(least):
                pass
            if least == 1:
                with beside(self._purge_words):
                    self._carry_graph()
                    self._extend_graph()
                    self._make_lists()
                    self._tune()

    def _removed_damaged(self) -> bool:
        """Remove the parts that are damaged, to be made afresh; False where all are whole."""
        with self._turn:
            with self._database.read() as connection:
                state = self._states.of(connection)
            files = [self._folder / finding.file for finding in check(self._folder, state)]
            self.close()
            for path in files:
                self._lost_graph |= path.name == GRAPH_FILE
                emptied(path)
        return bool(files)

    def _cover_words(self) -> bool:
        with self._database.read() as connection:
            state = self._states.of(connection)
            reader = self._reader(connection, state)
            return self._extend_text(self._opened(state), reader, least=1)

    def _step(self, least: int) -> bool:
        """Cover one run of slots more by every part; False when all is covered."""
        with self._database.read() as connection:
            state = self._states.of(connection)
            parts = self._opened(state)
            reader = self._reader(connection, state)
            more: list[bool] = []
            with beside(lambda: more.append(self._extend_codes(parts, reader, least))):
                more.append(self._extend_columns(parts, reader, least))
                more.append(self._extend_text(parts, reader, least))
        self._recent.forget(parts.generation, below=parts.covered)
        return any(more)

    def _reader(self, connection: sqlite3.Connection, state: State) -> SlotReader:
        database = self._database
        return SlotReader(connection, state, database.fetcher, database.path, self._recent)

    def _extend_columns(self, parts: Parts, reader: SlotReader, least: int) -> bool:
        columns = parts.columns
        if columns is None:
            return False
        first, count = _run(len(columns), reader.state.slots, least)
        if count:
            columns.append(reader.contents(first, count).fields)
        return first + count < reader.state.slots - least + 1

    def _extend_text(self, parts: Parts, reader: SlotReader, least: int) -> bool:
        text = parts.text
        if text is None:
            return False
        first, count = _run(text.stored, reader.state.slots, least)
        if count:
            text.append(reader.contents(first, count).words, dead=reader.state.dead_slots)
        return first + count < reader.state.slots - least + 1

    def _extend_codes(self, parts: Parts, reader: SlotReader, least: int) -> bool:
        state = reader.state
        codes = self._fresh_codes(parts, state) if parts.codes is None else parts.codes
        if codes is None:
            return False
        first, count = _run(len(codes), state.slots, least)
        if count:
            codes.append(reader.vectors(first, count))
        return first + count < state.slots - least + 1

    def _fresh_codes(self, parts: Parts, state: State) -> Codes | None:
        if state.slots - state.dead < self.codes_from:
            return None
        codes = Codes.create(
            folder_of(self._folder, state.generation) / CODES_FILE,
            dimension=self._description.dimension,
            metric=self._description.metric,
            sample=centring(state),
            tag=owner_of(self._description.collection, state.generation),
        )
        self._parts = replace(parts, codes=codes)
        return codes

    def _purge_words(self) -> None:
        """Take the words of deleted passages out of the index, and merge its many parts."""
        parts = self._parts
        if parts is None or parts.text is None:
            return
        with self._database.read() as connection:
            state = self._states.of(connection)
        purged = not state.dead or parts.text.counted <= state.slots - state.dead
        if not purged or parts.text.largest_share < _MERGED_SHARE:
            parts.text.optimise(dead=state.dead_slots if state.dead else None)

    def _extend_graph(self) -> None:
        """Insert what came since into the graph, where there is one."""
        parts = self._parts
        if parts is None or parts.graph is None:
            return
        with self._database.read() as connection:
            state = self._states.of(connection)
            if state.generation == parts.generation and len(parts.graph) < state.slots:
                parts.graph.extend(state.vectors, threads=usable_cores())
                parts.graph.save(folder_of(self._folder, state.generation) / GRAPH_FILE)

    def _make_lists(self) -> None:
        """Put the codes of a large collection in lists, again where it has grown much."""
        parts = self._parts
        if parts is None or parts.codes is None or len(parts.codes) < LISTS_LEAST:
            return
        if parts.lists is not None and len(parts.codes) < _GROWTH * parts.lists.covered:
            return
        with self._database.read() as connection:
            state = self._states.of(connection)
            if state.generation != parts.generation:
                return
            owner = owner_of(self._description.collection, state.generation)
            path = folder_of(self._folder, state.generation) / LISTS_FILE
            tag = lists_owner(parts.codes, owner)
            lists = Lists.build(path, parts.codes, state.vectors, tag)
            self._parts = replace(parts, lists=lists)

    def _tune(self) -> None:
        parts = self._parts
        if parts is None:
            return
        codes, graph, known = parts.codes, parts.graph, parts.tuned
        scans = codes is not None and not known.holds_for(len(codes), self.target)
        walks = graph is not None and not known.graph_holds_for(len(graph), self.target)
        lists = parts.lists
        listed = lists is not None and known.reach_slots != lists.covered
        if not scans and not walks and not listed:
            return
        with self._database.read() as connection:
            state = self._states.of(connection)
            if state.generation != parts.generation:
                return
            found = replace(known, target=self.target)
            if scans and codes is not None:
                found = tune(codes, state, target=self.target)
            if lists is not None and codes is not None:
                found = tune_lists(lists, codes, state, found)
            if graph is not None and len(graph):
                found = tune_graph(graph, state, found)
        found.write(folder_of(self._folder, state.generation) / "tuning.json")
        self._parts = replace(parts, tuning=found)

    def _opened(self, state: State) -> Parts:
        """The parts of the state's generation, made where they are not there or not whole."""
        parts = self._parts
        if parts is not None and parts.generation == state.generation:
            return parts
        self.close()
        folder = folder_of(self._folder, state.generation)
        owner = owner_of(self._description.collection, state.generation)
        parts = Parts.open(self._folder, state.generation, owner, write=True)
        columns, text, codes, graph = parts.columns, parts.text, parts.codes, parts.graph
        if columns is None or len(columns) > state.slots:
            columns = ColumnTable.create(emptied(folder / "columns"), owner)
        if text is None or text.stored > state.slots or text.language != self.language:
            text = Lexical.create(emptied(folder / "text"), language=self.language, tag=owner.hex())
        if codes is None or len(codes) > state.slots:
            emptied(folder / CODES_FILE)
            codes = None
        lists = parts.lists if codes is not None else None
        if lists is None:
            emptied(folder / LISTS_FILE)
        if graph is None or len(graph) > state.slots:
            # How it was built can perhaps not be read any more; that there was one is known.
            self._lost_graph |= (folder / GRAPH_FILE).exists()
            emptied(folder / GRAPH_FILE)
            graph = None
        self._problems.note(*parts.problems)
        self._parts = replace(
            parts, codes=codes, lists=lists, graph=graph, columns=columns, text=text, problems=()
        )
        return self._parts

    def _carry_graph(self) -> None:
        """Build the graph again that an earlier generation had."""
        if self._parts is None or self._parts.graph is not None:
            return
        for path in strangers(self._folder, self._parts.generation):
            try:
                options = Graph.open(path / GRAPH_FILE, verify=False).options
            except (StoreError, OSError):
                continue
            self._built_graph(options, None)
            return
        if self._lost_graph:
            self._built_graph(GraphOptions(metric=self._description.metric), None)


def _run(covered: int, slots: int, least: int) -> tuple[int, int]:
    """The next run of slots to cover; none where fewer than `least` are left."""
    left = slots - covered
    return covered, min(left, _STEP) if left >= least else 0
