"""The C code under AddressSanitizer and UndefinedBehaviorSanitizer, with random input."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sanitizers import run_program

from nearfield import ann

SOURCES = Path(ann.__file__).parent / "csrc"
NAME = "libnearfield_ann.so"


@pytest.mark.slow
def test_codes_and_exact_search_under_sanitizers(tmp_path):
    source = Path(__file__).parent / "test_codes_fuzz.c"
    run_program(source, SOURCES, tmp_path, NAME, 60)


@pytest.mark.slow
def test_graphs_under_sanitizers(tmp_path):
    source = Path(__file__).parent / "test_graph_fuzz.c"
    run_program(source, SOURCES, tmp_path, NAME, 40, "-pthread")
