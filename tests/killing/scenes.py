"""What is being done when the controller is killed: one thing per scene, again for every step.

A scene prepares what has to be there before (without a kill), then changes Git, the documents or
the cluster, and says what has to be live in the end.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
from tests.fleet.harness import FleetUnderTest, Repository, config_map, document, path_of

from shoal.composition.loading import Plugins
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

BASE = ("m0", "m1", "m2", "m3", "m4", "m5")
Wanted = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Goal:
    """What has to be live in the end, and which objects of before have to be the same ones."""

    wanted: Wanted
    revision: str = ""
    applications: tuple[str, ...] = ("shop",)
    approves: bool = False


@dataclass
class Stage:
    """A fleet of its own over one cluster, in a namespace of its own."""

    fleet: FleetUnderTest
    namespace: str
    cluster: ControlPlane
    admin: Client
    files: dict[str, dict[str, str]] = field(default_factory=dict)

    async def write(self, application: str, colors: Mapping[str, str]) -> None:
        """What Git has of an application from the next commit on."""
        maps = [config_map(name, self.namespace, color=color) for name, color in colors.items()]
        await _in_thread(self.fleet.repository.write, f"{application}/all.yaml", *maps)
        self.files[application] = dict(colors)

    async def commit(self) -> str:
        """The new revision."""
        return await _in_thread(self.fleet.repository.commit, "Change the shop")

    def goal(self, revision: str, **more: Any) -> Goal:
        """All that Git has."""
        wanted = {
            name: (application, color)
            for application, colors in self.files.items()
            for name, color in colors.items()
        }
        return Goal(wanted, revision, tuple(sorted(self.files)), **more)

    async def stranger(self, name: str, color: str) -> None:
        """Somebody else's object."""
        body = config_map(name, self.namespace, color=color)
        collection = path_of(body).rpartition("/")[0]
        await self.admin.request("POST", collection, body, parameters={"fieldManager": "stranger"})


async def make_stage(folder: Path, plugins: Plugins, cluster: ControlPlane, admin: Client) -> Stage:
    """A fleet with one Application `shop`, and an object of a stranger."""
    name = f"killed-{secrets.token_hex(4)}"
    repository = Repository(folder / "apps")
    await _in_thread(lambda: repository.folder.mkdir(parents=True))
    await _in_thread(repository.git, "init", "-q", "-b", "main")
    fleet = FleetUnderTest(folder, name, {cluster.name: cluster}, plugins, repository)
    git = {"git": {"url": str(repository.folder), "branch": "main"}, "interval": "1h"}

    def declare() -> None:
        spec = {"removalGracePeriod": "1s"}
        fleet.write("fleet.yaml", document("Fleet", name, spec), document("Source", "apps", git))
        fleet.declare_cluster(cluster)
        fleet.declare_application("shop", sync={"whenAlreadyExists": "Adopt"})

    await _in_thread(declare)
    await admin.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    stage = Stage(fleet, name, cluster, admin)
    await stage.stranger("stranger", "theirs")
    return stage


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    return await anyio.to_thread.run_sync(function, *args)


def _colored(index: int) -> str:
    return f"color-{index}"


# -- the scenes: what is there before, and then what changes ------------------------------------


async def _nothing(stage: Stage, index: int) -> Goal | None:
    return None


async def _base(stage: Stage, index: int) -> Goal | None:
    """Six objects, once; afterwards what the step before has left."""
    if index > 1:
        return None
    await stage.write("shop", dict.fromkeys(BASE, "blue"))
    return stage.goal(await stage.commit())


async def _first_sync(stage: Stage, index: int) -> Goal:
    await stage.write("shop", dict.fromkeys(BASE[:3], "blue"))
    return stage.goal(await stage.commit())


async def _update(stage: Stage, index: int) -> Goal:
    await stage.write("shop", {name: _colored(index) for name in BASE})
    return stage.goal(await stage.commit())


async def _prune(stage: Stage, index: int) -> Goal:
    """One goes, one comes."""
    await stage.write("shop", {**dict.fromkeys(BASE, "blue"), f"extra-{index}": "new"})
    return stage.goal(await stage.commit())


async def _drift(stage: Stage, index: int) -> Goal:
    first, second = (config_map(name, stage.namespace) for name in BASE[:2])
    await stage.admin.patch(path_of(first), {"data": {"color": "edited"}}, fieldManager="edit")
    await stage.admin.delete(path_of(second))
    return stage.goal(await stage.commit())


async def _adoption(stage: Stage, index: int) -> Goal:
    await stage.stranger(f"found-{index}", "theirs")
    await stage.write("shop", {**dict.fromkeys(BASE, "blue"), f"found-{index}": "ours"})
    return stage.goal(await stage.commit())


async def _two_applications(stage: Stage, index: int) -> Goal | None:
    if index > 1:
        return None
    await _in_thread(stage.fleet.declare_application, "other")
    await stage.write("shop", {**dict.fromkeys(BASE, "blue"), "moved": "blue"})
    await stage.write("other", {"own": "blue"})
    return stage.goal(await stage.commit())


async def _handover(stage: Stage, index: int) -> Goal:
    is_theirs = index % 2 == 1
    moved = {"moved": "blue"}
    await stage.write("shop", {**dict.fromkeys(BASE, "blue"), **({} if is_theirs else moved)})
    await stage.write("other", {"own": "blue", **(moved if is_theirs else {})})
    return stage.goal(await stage.commit())


async def _eight(stage: Stage, index: int) -> Goal | None:
    await stage.write("shop", dict.fromkeys((*BASE, "x0", "x1", "x2"), "blue"))
    return stage.goal(await stage.commit())


async def _approved_prune(stage: Stage, index: int) -> Goal:
    await stage.write("shop", dict.fromkeys(BASE, "blue"))
    return stage.goal(await stage.commit(), approves=True)


async def _declared(stage: Stage, index: int) -> Goal | None:
    def declare() -> None:
        stage.fleet.declare_application("shop", sync={"whenAlreadyExists": "Adopt"})

    await _in_thread(declare)
    await stage.write("shop", dict.fromkeys(BASE[:3], "blue"))
    return stage.goal(await stage.commit())


async def _removal(stage: Stage, index: int) -> Goal:
    await _in_thread(stage.fleet.remove, "application-shop.yaml")
    return Goal({}, "", ())


Act = Callable[[Stage, int], Awaitable[Goal | None]]


@dataclass(frozen=True)
class Scene:
    """`is_fresh`: each step has a stage of its own. `kept` objects are the same ones throughout."""

    prepare: Act
    change: Callable[[Stage, int], Awaitable[Goal]]
    kept: tuple[str, ...] = ()
    is_fresh: bool = False
    has_newer: bool = False


SCENES: Mapping[str, Scene] = {
    "first sync": Scene(_nothing, _first_sync, is_fresh=True),
    "update": Scene(_base, _update, BASE),
    "update, and a newer commit": Scene(_base, _update, BASE, has_newer=True),
    "create and prune": Scene(_base, _prune, BASE),
    "drift": Scene(_base, _drift, BASE[2:]),
    "adoption": Scene(_base, _adoption, BASE),
    "handover": Scene(_two_applications, _handover, (*BASE, "moved", "own")),
    "approved prune": Scene(_eight, _approved_prune, BASE),
    "removal": Scene(_declared, _removal),
}
