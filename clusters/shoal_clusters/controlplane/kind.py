"""Clusters with nodes by kind, for those who have a Docker engine and ask for it.

kind itself is found, downloaded or built like every other program here. Its clusters bear a prefix,
so that nobody else's is ever listed or deleted; their kubeconfig is written to a file of ours and
`~/.kube/config` is never touched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import yaml
from anyio import to_thread

from shoal.binaries import Progress, ToolFailed, locate, run_tool, silent
from shoal.errors import BinaryUnavailable, ClusterUnreachable
from shoal_clusters.controlplane.kubeconfig import (
    Access,
    parse_kubeconfig,
    write_kubeconfig,
)
from shoal_clusters.controlplane.programs import KIND

_PREFIX = "shoal-"
_ENGINE_SECONDS = 5.0
_CREATE_SECONDS = 600.0  # the first one pulls an image of 400 MB


async def find_engine_problem() -> str | None:
    """Why no Docker engine can be used, in one line; None when one answers."""
    try:
        with anyio.fail_after(_ENGINE_SECONDS):
            await run_tool(["docker", "version", "--format", "{{.Server.Version}}"])
    except ToolFailed as error:
        return str(error).splitlines()[-1]
    except TimeoutError:
        return f"the Docker engine did not answer within {_ENGINE_SECONDS:.0f} seconds"
    return None


async def require_engine() -> None:
    """Raise BinaryUnavailable when no Docker engine answers."""
    if problem := await find_engine_problem():
        raise BinaryUnavailable(
            f"kind needs a Docker engine, and none answers: {problem}",
            next_step="start Docker, or leave out --provider kind",
        )


async def create_clusters(
    names: Sequence[str], kubeconfig: Path, *, progress: Progress = silent
) -> None:
    """Create clusters one after the other and write a kubeconfig with all of them.

    Raises ClusterUnreachable when kind fails; then none of them is left.
    """
    program = await locate(KIND, progress=progress)
    try:
        with anyio.fail_after(_CREATE_SECONDS * len(names)):
            accesses = [await _create(program, name, kubeconfig, progress) for name in names]
    except (ToolFailed, TimeoutError) as error:
        await delete_clusters(names)
        raise ClusterUnreachable(f"kind could not create the clusters: {error}") from error
    await to_thread.run_sync(write_kubeconfig, kubeconfig, accesses)


async def delete_clusters(names: Sequence[str]) -> None:
    """Delete these clusters; those that are not there are no error."""
    program = await locate(KIND)
    try:
        with anyio.CancelScope(shield=True):
            for name in names:
                await run_tool([program, "delete", "cluster", "--name", _PREFIX + name])
    except ToolFailed as error:
        raise ClusterUnreachable(
            f"kind could not delete the clusters: {error}", next_step="start Docker and try again"
        ) from error


async def list_clusters() -> frozenset[str]:
    """The names of the clusters that kind has of ours; none when no engine answers."""
    if await find_engine_problem():
        return frozenset()
    printed = await run_tool([await locate(KIND), "get", "clusters"])
    return frozenset(line.removeprefix(_PREFIX) for line in printed if line.startswith(_PREFIX))


async def _create(program: Path, name: str, kubeconfig: Path, progress: Progress) -> Access:
    scratch = kubeconfig.with_name(f".kind-{name}")
    progress(f"{name}: creating", None)
    await run_tool(
        [program, "create", "cluster", "--name", _PREFIX + name, "--wait", "120s"],
        environment=os.environ | {"KUBECONFIG": str(scratch)},
        on_line=lambda line: progress(f"{name}: {line.strip()}", None),
    )
    printed = await run_tool([program, "get", "kubeconfig", "--name", _PREFIX + name])
    await to_thread.run_sync(lambda: scratch.unlink(missing_ok=True))
    (access,) = parse_kubeconfig(yaml.safe_load("\n".join(printed)))
    return replace(access, cluster=name)
