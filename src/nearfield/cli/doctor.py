"""``nearfield doctor``: what this installation can do, and what is wrong with it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from nearfield.cli import doctor_models, options
from nearfield.cli.findings import Finding, Verdict
from nearfield.cli.output import bytes_text, dump, path_text

__all__ = ["command"]


_SIGNS = {
    Verdict.GOOD: click.style("✓", fg="green"),
    Verdict.NOTE: click.style("·", fg="yellow"),
    Verdict.BAD: click.style("✗", fg="red"),
}
_EXTRAS = {
    "documents": ("PDF, office, HTML and EPUB files", "pypdfium2"),
    "code": ("functions and classes in source code", "tree_sitter"),
    "parquet": ("installing GloVe", "pyarrow"),
    "openvino": ("models in bf16 without the compiled part", "openvino"),
    "torch": ("every model that sentence-transformers loads", "sentence_transformers"),
}
_LEAST_FREE = 1_000_000_000


@click.command("doctor")
@click.option("--no-measure", is_flag=True, help="Open models, but do not time them.")
@options.as_json
def command(no_measure: bool, as_json: bool) -> None:
    """Check this installation; exit with 1 when something is wrong.

    Every installed transformer is opened, so that the report says which runtime and precision
    class serve it on this machine, why, and how many tokens it reads in a second.
    """
    models = doctor_models.findings(measure=not no_measure)
    findings = [*_machine(), *_extras(), *models, *_disk()]
    if as_json:
        dump({"findings": findings})
    else:
        for finding in findings:
            topic = click.style(finding.topic.ljust(10), dim=True)
            click.echo(f"{_SIGNS[finding.verdict]} {topic} {finding.text}")
    if any(finding.verdict is Verdict.BAD for finding in findings):
        click.get_current_context().exit(1)


def _machine() -> Iterator[Finding]:
    version = importlib.metadata.version("nearfield")
    python = platform.python_version()
    yield Finding("nearfield", Verdict.GOOD, f"{version}, Python {python}, {platform.platform()}")
    yield Finding("processor", Verdict.GOOD, f"{os.cpu_count()} cores, {_vector_units()}")
    yield _native()
    runtime = importlib.metadata.version("onnxruntime")
    yield Finding("runtime", Verdict.GOOD, f"onnxruntime {runtime}, for ONNX files and as fallback")


def _native() -> Finding:
    from nearfield.models.transformer.native import available

    found = available()
    verdict = Verdict.GOOD if found.usable else Verdict.NOTE
    return Finding("runtime", verdict, f"native kernels: {found.reason}")


def _vector_units() -> str:
    """Vector instruction sets, as far as the system tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return platform.machine()
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd")
    return ", ".join(flag for flag in known if flag in flags) or platform.machine()


def _extras() -> Iterator[Finding]:
    for extra, (what, module) in _EXTRAS.items():
        if importlib.util.find_spec(module):
            yield Finding("extra", Verdict.GOOD, f"{extra}: {what}")
        else:
            yield Finding(
                "extra",
                Verdict.NOTE,
                f'{extra} is missing ({what}): pip install "nearfield[{extra}]"',
            )


def _disk() -> Iterator[Finding]:
    from nearfield.models.vector_cache import VectorCache
    from nearfield.paths import cache_dir, collections_dir, models_dir

    for topic, folder in (("models", models_dir()), ("index", collections_dir())):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        writable = os.access(there, os.W_OK)
        text = f"{path_text(folder)}, {bytes_text(free)} free"
        if not writable:
            yield Finding(topic, Verdict.BAD, f"{text}, not writable: set NEARFIELD_HOME")
        elif free < _LEAST_FREE:
            yield Finding(topic, Verdict.BAD, f"{text}: make room or set NEARFIELD_HOME")
        else:
            yield Finding(topic, Verdict.GOOD, text)
    used = VectorCache().stats().size_bytes
    yield Finding("cache", Verdict.GOOD, f"{path_text(cache_dir())}, {bytes_text(used)} of vectors")
