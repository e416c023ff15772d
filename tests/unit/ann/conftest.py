"""Every implementation of vector search there is on this machine."""

from __future__ import annotations

import pytest

from nearfield.ann import library

IMPLEMENTATIONS = ("none", *library.available().kernels)


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request, monkeypatch):
    """Each kernel of the compiled library, and NumPy (``none``)."""
    monkeypatch.setenv(library.KERNEL_VARIABLE, request.param)
    return request.param
