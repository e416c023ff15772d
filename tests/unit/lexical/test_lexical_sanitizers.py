"""The C code under AddressSanitizer and UndefinedBehaviorSanitizer, with sound and broken data."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sanitizers import built, run_script

from nearfield.lexical import library

SOURCES = Path(library.__file__).parent / "csrc"


@pytest.mark.slow
def test_sound_and_broken_segments_under_sanitizers(tmp_path):
    sanitized, compiler = built(SOURCES, tmp_path, "libnearfield_lexical.so")
    for seed in range(3):
        given = [str(sanitized), "150", str(seed)]
        said = run_script(Path(__file__).parent / "lexical_fuzz.py", given, compiler)
        assert "refused" in said
