"""Build hook: compile the native parts when a wheel or an editable installation is made.

Each compiled part is optional. Without a compiler the wheel is pure Python, the log says so, and
other runtimes or NumPy serve.
"""

from __future__ import annotations

import runpy
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What is left out without it, and the folder with its sources and `build.py`.
PARTS = {
    "the native encoder": "src/nearfield/models/transformer/native/csrc",
    "native vector search": "src/nearfield/ann/csrc",
    "native text search": "src/nearfield/lexical/csrc",
    "native reading of rows": "src/nearfield/stores/local/csrc",
}


class NativeBuildHook(BuildHookInterface):
    """Puts each compiled library beside the package that loads it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for part, folder in PARTS.items():
            script = Path(self.root) / folder / "build.py"
            if script.is_file():
                # By its path: the package itself cannot be imported yet.
                build = SimpleNamespace(**runpy.run_path(str(script)))
                self._add(part, build, version, build_data)

    def _add(
        self, part: str, build: SimpleNamespace, version: str, build_data: dict[str, Any]
    ) -> None:
        try:
            notes = build.build()
        except (build.BuildError, OSError) as error:
            self.app.display_warning(f"{part} was left out: {error}")
            build.LIBRARY.unlink(missing_ok=True)
            return
        for note in notes:
            self.app.display_info(note)
        # It is called through ctypes: any Python 3, but this platform only.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        if version != "editable":
            inside = build.LIBRARY.relative_to(Path(self.root) / "src")
            build_data["force_include"][str(build.LIBRARY)] = str(inside)
