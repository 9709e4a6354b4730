"""Runs controllers as child processes that may kill themselves.

Importing all of Shoal takes a second, so one process does that and forks itself for every run. It
has no threads and no loop, which is what makes that safe.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from shoal_clusters.controlplane.kubeconfig import Access

RUN_SECONDS = 60.0


@dataclass(frozen=True)
class Run:
    """One run: until what is live in the namespace is `wanted`: name → application and color.

    `approves`: a hold of a prune is released as soon as it is there. Without `revision`, the run
    waits until there is no target any more.
    """

    folder: str
    fleet: str
    namespace: str
    access: Mapping[str, str | None]
    kill_at: int
    log: str
    wanted: Mapping[str, tuple[str, str]]
    revision: str = ""
    applications: tuple[str, ...] = ("shop",)
    approves: bool = False


@dataclass
class Children:
    """The process that forks."""

    process: subprocess.Popen[bytes]
    output: Path
    runs: int = field(default=0)

    def run(self, what: Run) -> int:
        """How it ended: 0, or minus the number of a signal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.runs += 1
        self.process.stdin.write(json.dumps(asdict(what)).encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError(f"the forking process ended; see {self.output}")
        code = int(answer)
        if code > 0:
            raise AssertionError(f"a run failed:\n{self.output.read_text()[-6000:]}")
        return code


@contextmanager
def children(output: Path) -> Iterator[Children]:
    """The forking process, which ends with the block; what runs print goes to `output`."""
    command = [sys.executable, "-m", "tests.killing.children", str(output)]
    # Leaving the block closes its input, which ends it, and waits.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Children(process, output)


def main(output: Path) -> None:
    """Read one run a line, fork, and answer how it ended."""
    # All that a run needs is imported before the first fork.
    import uvloop  # noqa: F401  # anyio asks for it
    from tests.fleet.harness import PLUGINS

    from shoal.composition.loading import load_plugins

    plugins = load_plugins(PLUGINS)
    for line in sys.stdin:
        given = json.loads(line)
        child = os.fork()
        if child == 0:
            _be_a_controller(Run(**given), plugins, output)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _be_a_controller(run: Run, plugins: Any, output: Path) -> None:
    from tests.killing.stepping import Steps, install

    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = 1
    try:
        steps = Steps(Path(run.log), run.kill_at)
        install(steps, plugins)
        anyio.run(partial(_until_done, run, plugins, steps))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _until_done(run: Run, plugins: Any, steps: Any) -> None:
    from tests.fleet.harness import FleetUnderTest, Repository

    from shoal_clusters.controlplane.client import connect

    folder = Path(run.folder)
    fleet = FleetUnderTest(folder, run.fleet, {}, plugins, Repository(folder / "apps"))
    async with connect(_read_access(run.access)) as admin, fleet.running() as controller:
        with anyio.move_on_after(RUN_SECONDS):
            while not await _is_done(run, controller, admin):
                if run.approves:
                    await _approve(controller, steps)
                await anyio.sleep(0.02)
            return
        seen = [
            *controller.targets(),
            *controller.holds(),
            await live(admin, run.namespace, run.fleet),
        ]
        raise AssertionError(f"not seen in {RUN_SECONDS:g} s: {run}\n" + "\n".join(map(str, seen)))


def told_access(access: Access) -> dict[str, str | None]:
    """An access as JSON can hold it."""
    return {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in asdict(access).items()
    }


def _read_access(told: Mapping[str, str | None]) -> Access:
    return Access(
        **{
            name: value.encode() if name.endswith("_pem") and value is not None else value
            for name, value in told.items()
        }  # type: ignore[arg-type]  # as they were told
    )


async def _is_done(run: Run, controller: Any, admin: Any) -> bool:
    targets = controller.targets()
    if controller.fleet().ready != "True":
        return False  # nothing is known yet
    if run.revision:
        there = {each.application for each in targets}
        if there < set(run.applications) or not all(
            # Healthy is what was seen since the start: after it, all that is there has been judged.
            (each.phase, each.health, each.drifted) == ("Synced", "Healthy", 0)
            and each.revision == run.revision
            for each in targets
        ):
            return False
    elif targets or controller.applications():
        return False
    return await live(admin, run.namespace, run.fleet) == {
        name: tuple(each) for name, each in run.wanted.items()
    }


async def live(admin: Any, namespace: str, fleet: str) -> dict[str, tuple[str, str]]:
    """What carries the fleet's mark: name → application and color."""
    found = await admin.get(f"/api/v1/namespaces/{namespace}/configmaps")
    return {
        each["metadata"]["name"]: (
            each["metadata"]["labels"]["shoal.dev/application"].removeprefix("default."),
            each["data"]["color"],
        )
        for each in found["items"]
        if (each["metadata"].get("labels") or {}).get("shoal.dev/fleet") == fleet
    }


async def _approve(controller: Any, steps: Any) -> None:
    for hold in controller.holds():
        await controller.approve(hold.id, who="Ana", reason="they are closed")
        steps.say(f"approved {hold.id}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
