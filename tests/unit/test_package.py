"""What the package promises as a whole: its names, its errors, its light import."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import nearfield
from nearfield import errors


def test_the_names_at_the_root_are_the_promised_ones() -> None:
    promised = [
        "Collection",
        "NearfieldError",
        "__version__",
        "evaluate",
        "load",
        "open",
        "similarity",
        "tasks",
    ]
    assert nearfield.__all__ == promised
    for name in promised:
        assert getattr(nearfield, name) is not None


def test_no_room_hides_a_name_at_the_root() -> None:
    """Importing ``nearfield.x`` sets ``x`` on the package, over any function of that name."""
    rooms = {module.name for module in pkgutil.iter_modules(nearfield.__path__)}
    assert rooms.isdisjoint(nearfield.__all__)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = nearfield.nonsense


def test_importing_costs_nothing_heavy() -> None:
    heavy = ["numpy", "onnxruntime", "onnx", "tokenizers", "torch", "lxml", "click", "rich"]
    program = (
        f"import nearfield, sys, json; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == []


def test_every_error_is_in_the_tree_that_the_docstring_draws() -> None:
    assert errors.__doc__ is not None
    drawn = errors.__doc__
    for name in errors.__all__:
        kind = getattr(errors, name)
        if issubclass(kind, errors.NearfieldError):
            assert name in drawn
        else:
            assert issubclass(kind, errors.NearfieldWarning)


def test_a_filter_error_points_at_its_place() -> None:
    error = errors.FilterSyntaxError("expected a value", "year >= ", 8)
    assert error.position == 8
    assert str(error).splitlines()[-1].index("^") == 4 + 8


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = errors.MissingExtra("reading PDF files", "documents")
    assert str(error).endswith('pip install "nearfield[documents]"')
