"""What `shoal doctor` looks at on this machine: versions, programs, plugins, the state folder."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from anyio import to_thread

from shoal import __version__
from shoal.api.running import answers
from shoal.binaries import ToolFailed, find, run_tool
from shoal.composition.diagnosing import Check, Probe, failed, ok, warning
from shoal.composition.loading import Plugins
from shoal.store.folder import KEY, LOCK

_SECONDS = 10.0
_OLDEST_GIT = (2, 34)
"""The first that knows signatures by SSH keys as we ask for them."""
_LITTLE, _TOO_LITTLE = 1 << 30, 64 << 20
"""Bytes of the disk: mirrors and the database grow; with the latter nothing can be recorded."""
_LINE = re.compile(r"git version (\d+)\.(\d+)")


def machine_probes(plugins: Plugins, state: Path) -> list[Probe]:
    """Everything that does not depend on a fleet."""

    async def versions() -> Sequence[Check]:
        python = ".".join(str(part) for part in sys.version_info[:3])
        return [ok("shoal", f"{__version__}, on Python {python}")]

    async def registered() -> Sequence[Check]:
        return list(_plugins(plugins))

    async def programs() -> Sequence[Check]:
        return await to_thread.run_sync(lambda: list(_programs(plugins)))

    async def folder() -> Sequence[Check]:
        return await to_thread.run_sync(lambda: list(_state(state)))

    return [
        Probe("shoal", versions, _SECONDS),
        Probe("plugins", registered, _SECONDS),
        Probe("git", _git, _SECONDS),
        Probe("programs", programs, _SECONDS),
        Probe("state folder", folder, _SECONDS),
    ]


def _plugins(plugins: Plugins) -> Iterator[Check]:
    for one in plugins.failed:
        who = f"{one.distribution} {one.version}".rstrip()
        yield failed(
            f"plugin {one.plugin}",
            f"of {who} cannot be loaded: {one.message}",
            "install a version that fits, or uninstall it",
        )
    for one in plugins.left_out:
        yield warning(
            f"plugin {one.plugin}",
            f"of {one.distribution} is installed and not loaded, for nobody has named it",
            f"to load it: shoal --plugin {one.distribution}",
        )
    loaded = {one.plugin for one in plugins.registrations}
    if not (plugins.sources and plugins.renderers and plugins.access and plugins.targets):
        yield failed(
            "plugins",
            "a fleet needs a source, a renderer, a way of access and a target; not all are there",
            "see `shoal plugin list`",
        )
    elif not plugins.failed:
        yield ok("plugins", f"{len(loaded)} loaded")


async def _git() -> Sequence[Check]:
    try:
        lines = await run_tool(["git", "--version"])
    except (ToolFailed, OSError) as error:
        return [failed("git", f"cannot be run: {error}", "install git; sources are read by it")]
    text = lines[0] if lines else ""
    found = _LINE.match(text)
    if found is None:
        return [warning("git", f"says {text!r}, which is no version that is known")]
    version = text.removeprefix("git version ").split()[0]
    if (int(found[1]), int(found[2])) < _OLDEST_GIT:
        needed = ".".join(map(str, _OLDEST_GIT))
        return [
            warning("git", f"{version} is older than {needed}", "update it to verify signatures")
        ]
    return [ok("git", version)]


def _programs(plugins: Plugins) -> Iterator[Check]:
    for program in plugins.programs.values():
        path = find(program)
        if path is None:
            yield warning(
                program.name,
                f"{program.version} is not on this machine yet",
                "`shoal plugin prepare` gets it now; `shoal run` does when it starts",
            )
        else:
            yield ok(program.name, f"{program.version}, {path}")


def _state(folder: Path) -> Iterator[Check]:
    subject = "state folder"
    if not folder.exists():
        there = next(each for each in folder.absolute().parents if each.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            yield failed(
                subject, f"{folder} cannot be made: {there} is not writable", "give --state DIR"
            )
            return
        yield from _space(there, f"{folder} is made at the first start")
        return
    told = folder.stat()
    if told.st_uid != os.geteuid():
        yield failed(
            subject, f"{folder} belongs to another user", "run as its owner, or give --state DIR"
        )
        return
    for path in (folder, folder / KEY):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield warning(subject, f"{path} can be read by others", f"chmod go= {path}")
    yield from _space(folder, f"{folder}, {_held(folder)}")


def _held(folder: Path) -> str:
    if answers(folder):
        return "a controller serves it"
    try:
        holder = int((folder / LOCK).read_text().strip() or 0)
        os.kill(holder, 0)
    except (OSError, ValueError):
        return "no controller runs"
    return f"process {holder} was its last holder and does not answer"


def _space(folder: Path, about: str) -> Iterator[Check]:
    free = shutil.disk_usage(folder).free
    told = f"{about}, {free / (1 << 30):.1f} GiB free"
    if free < _TOO_LITTLE:
        yield failed("state folder", told, "free the disk: without space nothing is recorded")
    elif free < _LITTLE:
        yield warning("state folder", told, "mirrors and the database will need more")
    else:
        yield ok("state folder", told)
