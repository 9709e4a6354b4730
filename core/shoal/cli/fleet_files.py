"""The documents of a fleet in a local folder, as the offline commands read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from shoal.errors import BudgetExceeded, UnknownName

_FILE_BYTES = 4 * 1024 * 1024  # a document that people write has some hundred lines


def read_fleet(path: Path) -> dict[str, bytes]:
    """Every `*.yaml` below a folder, as the fleet is read, or one file; links are not followed."""
    if not path.exists():
        raise UnknownName(f"there is no {path}", next_step="give the fleet's folder")
    return dict(_read(path))


def _read(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield path.name, _content(path)
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if name.endswith((".yaml", ".yml")) and file.is_file() and not file.is_symlink():
                yield file.relative_to(path).as_posix(), _content(file)


def _content(file: Path) -> bytes:
    if file.stat().st_size > _FILE_BYTES:
        raise BudgetExceeded(
            f"{file} is larger than {_FILE_BYTES // 1024 // 1024} MiB",
            next_step="keep what is not a document of the fleet in another folder",
        )
    return file.read_bytes()
