"""Which files of `examples/plugin` a plugin of somebody's own is made of.

Used by `shoal plugin new`, and by the build hook (`hatch_build.py`), which packs them into a wheel
and loads this file by its path: it stands on nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# Nothing that a build or a test left there.
_PARTS = ("pyproject.toml", "src/*/*.py", "src/*/py.typed", "tests/*.py", "fleet/*.yaml")


def example_files(folder: Path) -> Mapping[str, Path]:
    """Path inside the example → the file."""
    return {
        file.relative_to(folder).as_posix(): file
        for pattern in _PARTS
        for file in sorted(folder.glob(pattern))
    }
