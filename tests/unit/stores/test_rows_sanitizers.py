"""The rows library under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sanitizers import built, run_script

from nearfield.stores.local import library

SOURCES = library.PLACE.parent / "csrc"


@pytest.mark.slow
def test_sound_and_broken_rows_under_sanitizers(tmp_path):
    sanitized, compiler = built(SOURCES, tmp_path, "libnearfield_rows.so")
    for seed in range(2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        given = [str(sanitized), str(folder), "150", str(seed)]
        # Python's objects by malloc, so that one that is let go too early is seen.
        said = run_script(
            Path(__file__).parent / "rows_fuzz.py", given, compiler, PYTHONMALLOC="malloc"
        )
        assert "read" in said
