"""A model of Nearfield as a scikit-learn transformer: texts in, vectors out.

Nothing is learned from the training texts; ``fit`` only finds out who the model is. So a
transformer is its parameters and a fingerprint: what a host stores of it holds no weights, and what
is loaded again opens the model by name and refuses another one. Nearfield itself never reads a
pickle; for storage without one, keep ``get_params()`` as JSON and fit anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from nearfield.errors import FingerprintMismatch, InputError, MissingExtra
from nearfield.models.precision import AUTO
from nearfield.models.resolve import default_model, load
from nearfield.protocols import Encoder
from nearfield.types import FloatArray, Role

try:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils import Tags
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingExtra("the scikit-learn integration", "sklearn") from error

__all__ = ["TextEmbedder"]


class TextEmbedder(TransformerMixin, BaseEstimator):
    """Turns texts into vectors.

    Parameters
    ----------
    model : str, optional
        A name as :func:`nearfield.load` takes it; by default the default model.
    dimensions : int, optional
        Keep only the first so many components (Matryoshka truncation).
    precision : {"auto", "exact", "fast"}
    role : {"document", "query"}
        Which of the model's prompts is applied.

    Attributes
    ----------
    n_features_out_ : int
        Length of the vectors.
    fingerprint_ : str
        Identity of the model's space, 64 hexadecimal characters.
    model_name_ : str
        Name on the model's card.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> classifier = make_pipeline(TextEmbedder(), LogisticRegression())
    >>> texts = ["a warm coat", "thick gloves", "a garden hose", "a spade"]
    >>> _ = classifier.fit(texts, ["winter", "winter", "garden", "garden"])  # doctest: +SKIP
    >>> classifier.predict(["a woollen scarf"]).tolist()  # doctest: +SKIP
    ['winter']
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        dimensions: int | None = None,
        precision: str = AUTO,
        role: str = "document",
    ) -> None:
        self.model = model
        self.dimensions = dimensions
        self.precision = precision
        self.role = role

    def fit(self, X: Sequence[str] | npt.ArrayLike, y: object = None) -> Self:
        """Open the model; the texts are looked at only to refuse what is none."""
        _texts(X)
        Role.of(self.role)
        card = self._load().card
        self.n_features_out_ = card.dimension
        self.fingerprint_ = card.fingerprint
        self.model_name_ = card.name
        return self

    def transform(self, X: Sequence[str] | npt.ArrayLike) -> FloatArray:
        """Embed texts.

        Parameters
        ----------
        X : array-like of str, shape (n,) or (n, 1)

        Returns
        -------
        ndarray of float32, shape (n, n_features_out_)

        Raises
        ------
        NotFittedError
            ``fit`` comes first.
        ValueError
            `X` holds something else than texts.
        FingerprintMismatch
            The model of that name is no longer the one that was fitted.
        """
        check_is_fitted(self)
        texts = _texts(X)
        encoder = self._load()
        if encoder.card.fingerprint != self.fingerprint_:
            raise FingerprintMismatch(
                f"fitted with {self.model_name_} of fingerprint {self.fingerprint_}, and the model "
                f"of that name has {encoder.card.fingerprint} here: fit again"
            )
        return encoder.encode(texts, role=self.role)

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Names of the components: ``textembedder0``, ``textembedder1`` and so on."""
        check_is_fitted(self)
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{at}" for at in range(self.n_features_out_)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fingerprint_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False  # of numbers, that is
        tags.requires_fit = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _load(self) -> Encoder:
        return _opened(self.model or default_model(), self.dimensions, self.precision)


@lru_cache(maxsize=4)
def _opened(name: str, dimensions: int | None, precision: str) -> Encoder:
    """A model; kept apart from its transformers, which are copied and stored without it."""
    return load(name, dimensions=dimensions, precision=precision)


def _texts(values: Sequence[str] | npt.ArrayLike) -> list[str]:
    """The texts of a list, an array, a series, or a table of one column."""
    if isinstance(values, str):
        raise InputError("X is one string: give a list of strings")
    if hasattr(values, "__array__"):
        array = np.asarray(values, dtype=object)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise InputError(f"X has shape {array.shape}: expected texts, shape (n,) or (n, 1)")
        given: list[str] = array.tolist()
    else:
        given = list(values)  # type: ignore[arg-type]
    if not given:
        raise InputError("X holds no texts: found array with 0 sample(s), a minimum of 1 is due")
    wrong = [at for at, value in enumerate(given) if not isinstance(value, str)]
    if wrong:
        raise InputError(
            f"X holds a {type(given[wrong[0]]).__name__} at position {wrong[0]}: expected texts"
        )
    return given
