"""Every exception that Nearfield raises on purpose, in one tree.

::

    NearfieldError
    ├── InputError                  (also ValueError)   an argument is wrong
    │   ├── FilterSyntaxError       a filter text does not parse; carries the position
    │   ├── DimensionMismatch       a vector has another length than the space it meets
    │   └── VectorRejected          NaN, infinite or zero vectors, found before anything is written
    ├── UnknownName                 (also LookupError)  no such model, store, reader, chunker …
    ├── MissingExtra                (also ImportError)  a capability is not installed
    ├── UnsupportedOperation        a part says so in its capabilities
    ├── ModelError
    │   ├── ModelNotInstalled       the name is known, its files are not here
    │   ├── HashMismatch            files differ from the ones that were pinned
    │   ├── UnsupportedModel        a layout, architecture or layer that is not understood
    │   └── FingerprintMismatch     vectors of two models would mix
    ├── RemoteError                 a hosted model
    │   ├── KeyMissing              the environment holds no key for it
    │   ├── RemoteRefused           the server says no, and would say so again
    │   ├── RemoteUnavailable       no usable answer after every retry
    │   ├── RemoteAnswerInvalid     an answer that is none: wrong counts, NaN, broken JSON
    │   ├── RemoteModelChanged      the name is the same, the vectors are not
    │   └── SpendingCapReached      the next request could cost more than was allowed
    ├── DocumentError
    │   └── ReadError               one file cannot be read; the rest goes on
    └── StoreError
        ├── UnknownId               (also LookupError)  no such chunk
        ├── DuplicateId             an id is there already
        ├── StoreNotFound           there is no collection at that path
        ├── StoreLocked             another process is writing
        ├── StoreReadOnly           the disk or the handle does not take writes
        ├── StoreFull               the disk is full; nothing of the batch was written
        ├── StoreCorrupt            a file is damaged; says which and how to repair
        ├── StoreReplaced           another collection has taken its place since it was opened
        └── FormatVersionError      written by another version of the file format

Each message says what happened, both values where two disagree, and the remedy.
"""

from __future__ import annotations

__all__ = [
    "DimensionMismatch",
    "DocumentError",
    "DuplicateId",
    "FilterSyntaxError",
    "FingerprintMismatch",
    "FormatVersionError",
    "HashMismatch",
    "InputError",
    "KeyMissing",
    "MissingExtra",
    "ModelError",
    "ModelNotInstalled",
    "NearfieldError",
    "NearfieldWarning",
    "ReadError",
    "RemoteAnswerInvalid",
    "RemoteError",
    "RemoteModelChanged",
    "RemoteRefused",
    "RemoteUnavailable",
    "SpendingCapReached",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreNotFound",
    "StoreReadOnly",
    "StoreReplaced",
    "TruncationWarning",
    "UnknownId",
    "UnknownName",
    "UnsupportedModel",
    "UnsupportedOperation",
    "VectorRejected",
]


class NearfieldError(Exception):
    """The root: catch this to catch everything that Nearfield raises on purpose."""


class InputError(NearfieldError, ValueError):
    """An argument is wrong."""


class FilterSyntaxError(InputError):
    """A filter text does not parse.

    Parameters
    ----------
    message : str
        What was found and what was expected.
    text : str
        The whole filter.
    position : int
        Character offset of the fault in `text`, 0 ≤ position ≤ len(text).

    Examples
    --------
    >>> print(FilterSyntaxError("expected a value", 'lang = ', 7))
    expected a value at position 7
        lang =·
               ^
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        self.reason = message
        self.text = text
        self.position = position
        shown = text[:-1] + "·" if text.endswith(" ") else text
        super().__init__(f"{message} at position {position}\n    {shown}\n    {' ' * position}^")


class DimensionMismatch(InputError):
    """A vector has another length than the space it meets."""


class VectorRejected(InputError):
    """Vectors hold NaN, infinities or only zeros; nothing was written."""


class UnknownName(NearfieldError, LookupError):
    """No such model, store, reader or chunker; the message suggests neighbours."""


class MissingExtra(NearfieldError, ImportError):
    """A capability needs a package that is not installed.

    Parameters
    ----------
    capability : str
        What was asked for, as the user would name it.
    extra : str
        The extra of the ``nearfield`` package that brings it.
    """

    def __init__(self, capability: str, extra: str) -> None:
        self.capability = capability
        self.extra = extra
        super().__init__(f'{capability} needs an optional part: pip install "nearfield[{extra}]"')


class UnsupportedOperation(NearfieldError):
    """A part does not offer this operation; its capabilities say so."""


class ModelError(NearfieldError):
    """Something about a model."""


class ModelNotInstalled(ModelError):
    """The name is known but its files are not on this machine."""


class HashMismatch(ModelError):
    """A file differs from the one that was pinned."""


class UnsupportedModel(ModelError):
    """A model's layout, architecture or layer is not understood; nothing was guessed."""


class FingerprintMismatch(ModelError):
    """Vectors of two different models would mix.

    Same dimension is not the same space: a collection refuses to be read or written
    with any encoder but the one that made it.
    """


class RemoteError(NearfieldError):
    """Something about a hosted model; no message ever holds a key."""


class KeyMissing(RemoteError):
    """The environment holds no key for the provider; the message names the variable."""


class RemoteRefused(RemoteError):
    """The server refused a request, and would refuse it again.

    Parameters
    ----------
    message : str
        What happened and the remedy.
    status : int
        HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class RemoteUnavailable(RemoteError):
    """No usable answer after every retry: busy, broken, too slow or out of reach."""


class RemoteAnswerInvalid(RemoteError):
    """The server's answer is not what the request asks for; nothing of it was used."""


class RemoteModelChanged(RemoteError):
    """A hosted model of the same name now gives other vectors.

    Weights at a provider cannot be hashed; the vector of one fixed text stands in for them.
    """


class SpendingCapReached(RemoteError):
    """The next request could cost more than was allowed; it was not sent."""


class DocumentError(NearfieldError):
    """Something about a document."""


class ReadError(DocumentError):
    """One file cannot be read; the message is the reason that reports show."""


class StoreError(NearfieldError):
    """Something about a collection's storage."""


class UnknownId(StoreError, LookupError):
    """No chunk or document has this id."""


class DuplicateId(StoreError):
    """An id is there already, or occurs twice in one batch; nothing was written."""


class StoreNotFound(StoreError):
    """There is no collection at that path."""


class StoreLocked(StoreError):
    """Another process is writing to the collection."""


class StoreReadOnly(StoreError):
    """The disk, the folder or the handle does not take writes."""


class StoreFull(StoreError):
    """The disk is full; the batch was rolled back and everything before it is kept."""


class StoreCorrupt(StoreError):
    """A file of the collection is damaged."""


class StoreReplaced(StoreError):
    """Another collection has taken its place since it was opened: open it again."""


class FormatVersionError(StoreError):
    """The collection was written by another version of the file format."""


class NearfieldWarning(UserWarning):
    """The root of Nearfield's warnings."""


class TruncationWarning(NearfieldWarning):
    """Texts were longer than the model reads and lost their tails."""
