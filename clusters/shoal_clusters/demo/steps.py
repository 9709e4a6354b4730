"""The steps of the tour: what is done, and what must be seen of it on the API servers.

What a person would do is done here by other means than Shoal's: Git for what belongs into Git, an
administrator's own client for hand-made changes. Shoal is only asked what it says about itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shoal_clusters.demo.fleet import APPLICATIONS, REGIONS
from shoal_clusters.demo.looking import Eyes, NotSeen, expect, has, is_gone, is_there, value_at
from shoal_clusters.demo.staging import Stage

WEB = "/apis/apps/v1/namespaces/web/deployments/web"
PAGES = "/api/v1/namespaces/web/configmaps/pages"
WORKER = "/apis/apps/v1/namespaces/worker/deployments/worker"
FEATURES = "/api/v1/namespaces/settings/configmaps/features"
LIMITS = "/api/v1/namespaces/settings/configmaps/limits"
OBJECTS = (
    "/api/v1/namespaces/web",
    WEB,
    PAGES,
    "/api/v1/namespaces/web/services/web",
    "/api/v1/namespaces/worker",
    WORKER,
    "/api/v1/namespaces/worker/serviceaccounts/worker",
    "/api/v1/namespaces/settings",
    FEATURES,
    LIMITS,
    "/api/v1/namespaces/settings/serviceaccounts/reader",
)
_DEPLOYMENT = "apps/web/deployment.yaml"
_OVERLAY = "apps/settings/kustomization.yaml"
_BASE = "apps/settings/base/kustomization.yaml"
_LIMITS_FILE = "apps/settings/base/limits.yaml"
_IMAGE = "spec.template.spec.containers.0.image"
_LEVEL = "spec.template.spec.containers.0.env.0.value"
_IMAGES = ("nginx:1.29.1", "nginx:1.29.2", "nginx:1.29.3")
_VICTIM = "staging"

# Each is several times what an idle machine of two cores takes.
_SECONDS = 60.0
_FIRST_SECONDS = 120.0
_BACK_SECONDS = 120.0


@dataclass(slots=True)
class Scene:
    """What the steps share: the stage, eyes on it, and what earlier steps left for later ones."""

    stage: Stage
    eyes: Eyes
    removal: str = field(default="", init=False)
    uids: dict[str, str] = field(default_factory=dict, init=False)

    @property
    def names(self) -> list[str]:
        """All clusters."""
        return list(self.stage.clusters)

    @property
    def others(self) -> list[str]:
        """All clusters but the one that is killed."""
        return [name for name in self.stage.clusters if name != _VICTIM]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `play` does it, waits for its facts, and says what was seen."""

    title: str
    play: Callable[[Scene], Awaitable[str]]


async def see_first_sync(scene: Scene) -> str:
    """All objects of all applications stand on all clusters, and Shoal says so."""
    for path in OBJECTS:
        fact = scene.eyes.everywhere(scene.names, path, is_there)
        await expect(fact, "every object of the fleet on every cluster", seconds=_FIRST_SECONDS)
    await expect(
        lambda: _not_synced(scene),
        "every target Synced and Healthy by `shoal get targets`",
        seconds=_FIRST_SECONDS,
    )
    return f"{len(OBJECTS)} objects of {len(APPLICATIONS)} applications on {_list(scene.names)}"


async def change_image(scene: Scene) -> str:
    """A commit changes the image; every cluster gets it."""
    await _commit_image(scene, 1)
    await _expect_image(scene, scene.names, _IMAGES[1])
    return f"web runs {_IMAGES[1]} on {_list(scene.names)}"


async def compare_clusters(scene: Scene) -> str:
    """The JSON Patch holds on prod, and on prod alone."""
    overridden = has({"spec.replicas": 3, _LEVEL: "warning"})
    plain = has({"spec.replicas": 1, _LEVEL: "debug"})
    for name in scene.names:
        is_prod = name.startswith("prod")
        await expect(
            scene.eyes.everywhere([name], WEB, overridden if is_prod else plain),
            f"web on {name} {'with' if is_prod else 'without'} the JSON Patch for env=prod",
            seconds=_SECONDS,
        )
    return "prod: 3 replicas, LOG_LEVEL=warning; dev: 1 replica, LOG_LEVEL=debug"


async def compare_values(scene: Scene) -> str:
    """The chart of worker has the region of each cluster, and more replicas on prod."""
    for number, name in enumerate(scene.names):
        region = REGIONS[number % len(REGIONS)]
        replicas = 4 if name.startswith("prod") else 2
        wanted = has({_LEVEL: region, "spec.replicas": replicas})
        fact = scene.eyes.everywhere([name], WORKER, wanted)
        expected = f"worker on {name} with REGION={region} and {replicas} replicas"
        await expect(fact, expected, seconds=_SECONDS)
    return "worker: REGION is each cluster's own label; prod: 4 replicas, the others 2"


async def change_overlay(scene: Scene) -> str:
    """A commit changes what a kustomization generates; every cluster gets it."""
    await scene.stage.working_copy.replace(_OVERLAY, "chat=off", "chat=on", "Switch the chat on")
    fact = scene.eyes.everywhere(scene.names, FEATURES, has({"data.chat": "on"}))
    await expect(fact, "ConfigMap features with chat on", seconds=_SECONDS)
    return f"the generated ConfigMap features has chat=on on {_list(scene.names)}"


async def delete_by_hand(scene: Scene) -> str:
    """Somebody deletes a ConfigMap on prod; it is made again."""
    client = scene.eyes.clients["prod"]
    before = await client.get(PAGES)
    await client.delete(PAGES)
    again = has({"data": before["data"]}, other_than_uid=before["metadata"]["uid"])
    fact = scene.eyes.everywhere(["prod"], PAGES, again)
    await expect(fact, "ConfigMap pages again on prod, as Git has it", seconds=_SECONDS)
    return "ConfigMap pages is back on prod, a new object with the same data"


async def edit_by_hand(scene: Scene) -> str:
    """Somebody edits a Deployment on dev; the edit is undone."""
    change = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "edited"}
    client = scene.eyes.clients["dev"]
    edited = await client.patch(WEB, [change], form="json", fieldManager="kubectl-edit")
    assert value_at(edited, _IMAGE) == "edited"
    await _expect_image(scene, ["dev"], _IMAGES[1])
    return f"web on dev was edited to another image, and runs {_IMAGES[1]} again"


async def remove_manifest(scene: Scene) -> str:
    """A file leaves Git; its object leaves every cluster, and nothing else does."""
    copy = scene.stage.working_copy
    base = await copy.read(_BASE)
    changes = {_LIMITS_FILE: None, _BASE: base.replace("  - limits.yaml\n", "").encode()}
    scene.removal = await copy.commit(changes, "Remove the limits")
    fact = scene.eyes.everywhere(scene.names, LIMITS, is_gone)
    await expect(fact, "no ConfigMap limits on any cluster", seconds=_SECONDS)
    for path in OBJECTS:
        if path != LIMITS:
            fact = scene.eyes.everywhere(scene.names, path, is_there)
            await expect(fact, "all other objects untouched", seconds=_SECONDS)
    return f"ConfigMap limits is gone on {_list(scene.names)}, all else stayed"


async def revert_removal(scene: Scene) -> str:
    """`git revert` brings the object back."""
    await scene.stage.working_copy.revert(scene.removal)
    fact = scene.eyes.everywhere(scene.names, LIMITS, is_there)
    await expect(fact, "ConfigMap limits again on every cluster", seconds=_SECONDS)
    return f"ConfigMap limits is back on {_list(scene.names)}"


async def kill_cluster(scene: Scene) -> str:
    """One API server is killed; a commit lands on the others, and Shoal says who is silent."""
    scene.uids = await _uids(scene)
    await scene.stage.clusters[_VICTIM].kill()
    await _commit_image(scene, 2)
    await _expect_image(scene, scene.others, _IMAGES[2])
    await expect(
        lambda: _not_silent(scene),
        f"`shoal status` naming {_VICTIM} as silent, and its targets Unknown",
        seconds=_SECONDS,
    )
    return f"{_IMAGES[2]} landed on {_list(scene.others)}; {_VICTIM} is Unknown"


async def restart_cluster(scene: Scene) -> str:
    """The API server comes back and gets what it missed."""
    await scene.stage.clusters[_VICTIM].start()
    fact = scene.eyes.everywhere([_VICTIM], WEB, has({_IMAGE: _IMAGES[2]}))
    expected = f"web on {_VICTIM} with {_IMAGES[2]}"
    await expect(fact, expected, seconds=_BACK_SECONDS)
    await expect(
        lambda: _not_synced(scene),
        "every target Synced and Healthy by `shoal get targets`",
        seconds=_BACK_SECONDS,
    )
    if await _uids(scene) != scene.uids:
        raise NotSeen(f"on {_VICTIM} the very objects that were there", "some were made anew")
    return f"{_VICTIM} runs {_IMAGES[2]}, all Synced, and no object was made anew"


STEPS = (
    Step("the first sync reaches every cluster", see_first_sync),
    Step("a commit changes an image everywhere", change_image),
    Step("prod differs by a JSON Patch", compare_clusters),
    Step("a chart has each cluster's values", compare_values),
    Step("a kustomization's change lands", change_overlay),
    Step("a deleted ConfigMap comes back", delete_by_hand),
    Step("an edited Deployment is healed", edit_by_hand),
    Step("a removed manifest is pruned", remove_manifest),
    Step("`git revert` brings it back", revert_removal),
    Step("a cluster is killed, the others go on", kill_cluster),
    Step("it comes back and catches up", restart_cluster),
)


async def _commit_image(scene: Scene, number: int) -> None:
    old, new = _IMAGES[number - 1], _IMAGES[number]
    await scene.stage.working_copy.replace(_DEPLOYMENT, old, new, f"Roll web to {new}")


async def _expect_image(scene: Scene, names: list[str], image: str) -> None:
    fact = scene.eyes.everywhere(names, WEB, has({_IMAGE: image}))
    await expect(fact, f"web with {image} on {_list(names)}", seconds=_SECONDS)


async def _uids(scene: Scene) -> dict[str, str]:
    """What tells an object of the killed cluster from one that was deleted and made again."""
    client = scene.eyes.clients[_VICTIM]
    return {path: str((await client.get(path))["metadata"]["uid"]) for path in OBJECTS}


async def _not_synced(scene: Scene) -> str:
    """What Shoal says about the first target that is not as it should be."""
    answer = await scene.stage.shoal.ask("get", "targets")
    if len(answer["items"]) != len(scene.names) * len(APPLICATIONS):
        return f"{len(answer['items'])} targets"
    for one in answer["items"]:
        if (one["phase"], one["health"]) != ("Synced", "Healthy"):
            state = f"{one['phase']}, {one['health']}"
            return f"{one['application']} on {one['cluster']} is {state}: {one['message']}"
    return ""


async def _not_silent(scene: Scene) -> str:
    status = await scene.stage.shoal.ask("status")
    if status["clusters_silent"] != [_VICTIM]:
        return f"silent clusters: {_list(status['clusters_silent']) or 'none'}"
    targets = await scene.stage.shoal.ask("get", "targets", "--cluster", _VICTIM)
    for one in targets["items"]:
        if one["phase"] != "Unknown":
            return f"{one['application']} on {_VICTIM} is {one['phase']}"
    return ""


def _list(names: list[str]) -> str:
    return ", ".join(names)
