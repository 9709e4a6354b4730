"""What a helper program is: its name and version, where it is published, how it is built.

Plain frozen values that live beside the code that needs the program; nothing here does I/O.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Progress = Callable[[str, float | None], None]
"""Told what goes on and how far it is (0 to 1, None where that is not known)."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def silent(message: str, fraction: float | None) -> None:
    """A `Progress` for callers who do not care."""


def this_platform() -> str:
    """This machine as Go names it, for example `linux/amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}/{_ARCHITECTURES.get(machine, machine)}"


@dataclass(frozen=True, slots=True)
class Release:
    """Where a project publishes the program; paths take `{version}`, `{os}` and `{arch}`.

    `sha256` pins checksums by platform. Where a platform is not pinned, the checksum is read over
    HTTPS from `checksum_path` beside the file: it then proves that the file arrived whole and as
    published, but trusts the publisher's server, as every installation guide of the project does.
    """

    host: str
    path: str
    checksum_path: str
    platforms: frozenset[str]
    member: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the program is built: a folder holding a Go module (often only go.mod and go.sum).

    The folder is copied before the build, so it may lie in a read-only installation.
    """

    folder: Path
    package: str
    ldflags: str = "-s -w"


@dataclass(frozen=True, slots=True)
class Binary:
    """A helper program at one version; `packaged` is where a wheel would have brought it."""

    name: str
    version: str
    release: Release | None = None
    recipe: Recipe | None = None
    packaged: Path | None = None
    is_taken_from_path: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
