"""What a wheel has to know of the render worker: its version, and the platform it runs on.

The version is ours with a digest of the Go sources: a checkout whose sources changed needs another
worker, and a wheel must not bring one that was built from other sources. Used by `program` to find
or build the worker, and by the build hook (`hatch_build.py`), which loads this file by its path: it
stands on nothing but the standard library.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_DIGEST_LETTERS = 12
_ELF_MACHINES = {62: "x86_64", 183: "aarch64"}
_MACH_O_PROCESSORS = {0x01000007: "x86_64", 0x0100000C: "arm64"}


def source_files(folder: Path) -> list[Path]:
    """What a build of the worker reads; the module's own tests are no part of it."""
    files = [*folder.glob("*.go"), folder / "go.mod", folder / "go.sum"]
    return sorted(file for file in files if not file.name.endswith("_test.go"))


def worker_version(ours: str, folder: Path) -> str:
    """`ours` and the digest, for example `0.1.0+5f0c1d2e3a4b`. Reads every source file."""
    digest = hashlib.sha256()
    for file in source_files(folder):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode())
        digest.update(content)
    return f"{ours}+{digest.hexdigest()[:_DIGEST_LETTERS]}"


def platform_tag(program: Path) -> str | None:
    """The wheel's platform tag by the program's header; None when no wheel is made for it.

    The worker is linked statically, so it runs with any C library; Go 1.26 needs Linux 3.2 or
    macOS 12.
    """
    with program.open("rb") as file:
        head = file.read(20)
    if head.startswith(b"\x7fELF"):
        machine = _ELF_MACHINES.get(int.from_bytes(head[18:20], "little"))
        return machine and f"manylinux2014_{machine}.musllinux_1_1_{machine}"
    if head.startswith(b"\xcf\xfa\xed\xfe"):
        processor = _MACH_O_PROCESSORS.get(int.from_bytes(head[4:8], "little"))
        return processor and f"macosx_12_0_{processor}"
    return None
