"""The library under AddressSanitizer and UndefinedBehaviorSanitizer, fed with random shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sanitizers import run_program

from nearfield.models.transformer import native

SOURCES = Path(native.__file__).parent / "csrc"


@pytest.mark.slow
def test_random_shapes_and_mistakes_under_sanitizers(tmp_path):
    source = Path(__file__).parent / "fuzz.c"
    run_program(source, SOURCES, tmp_path, "libnearfield_native.so", 5)
