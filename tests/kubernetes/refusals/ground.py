"""Where refusals are provoked: a real API server with controllers, and what is put there for it.

Each `Refusal` knows how to make an API server refuse something, and what that must mean. What it
needs for it (a quota, a policy, a webhook) is for its own namespace only, and is taken away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio

from shoal.errors import ShoalError
from shoal.model.identity import ObjectKey
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError, Client
from shoal_clusters.controlplane.waiting import wait_until

SECONDS = 40
DRY = {"dryRun": "All"}
Body = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """A namespace on a cluster; `admin` may do everything there, `guest` nothing."""

    plane: ControlPlane
    admin: Client
    guest: Client
    namespace: str
    stack: AsyncExitStack

    def path(self, plural: str, name: str, version: str = "v1") -> str:
        """Where an object of this namespace is."""
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        return f"{root}/namespaces/{self.namespace}/{plural}/{name}"

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Create a cluster-scoped object in the collection `path`, until the test ends."""
        await self.admin.create(path, body)
        name = body["metadata"]["name"]
        self.stack.push_async_callback(self.admin.delete, f"{path}/{name}")

    async def apply(self, path: str, body: Body, **options: str) -> Body:
        """Apply as Shoal does: server-side, with force."""
        name = path.rpartition("/")[2]
        body = {**body, "metadata": {"name": name, **body.get("metadata", {})}}
        options = {"fieldManager": "shoal", "force": "true", **options}
        return await self.admin.patch(path, body, form="apply", **options)

    @property
    def selector(self) -> Body:
        """Selects this namespace alone."""
        return {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}

    async def apply_until(self, saying: str, path: str, body: Body) -> None:
        """Try to apply until it is refused like this: servers hear of policies a little later."""
        await self.until(saying, lambda: self.apply(path, body, **DRY))

    async def until(self, saying: str, attempt: Callable[[], Awaitable[object]]) -> None:
        """Try until it is refused with a message that has this in it.

        A server whose own deadline passes while it begins to answer hangs up instead.
        """
        with anyio.fail_after(SECONDS):
            while True:
                try:
                    with suppress(aiohttp.ServerDisconnectedError):
                        await attempt()
                except AnsweredError as error:
                    if saying in error.message:
                        raise
                await anyio.sleep(0.1)  # nothing would set an event

    async def serves(self, path: str) -> None:
        """Wait until a custom resource is served."""

        async def is_served() -> bool:
            try:
                return await self.admin.find(path) is not None
            except AnsweredError as error:
                if error.code != 429:  # "storage is (re)initializing"
                    raise
                return False

        assert await wait_until(is_served, seconds=SECONDS)


Provoke = Callable[[Ground], Awaitable[object]]


@dataclass(frozen=True)
class Refusal:
    """One way to be refused: how, and what it means for which object."""

    name: str
    provoke: Provoke
    key: ObjectKey
    kind: type[ShoalError]
    words: str

    @property
    def title(self) -> str:
        """The name as a sentence's part, for a test's id."""
        return self.name.replace("_", " ")


REFUSALS: dict[str, Refusal] = {}
# The namespace of a recorded answer; each test has one of its own.
RECORDED_NAMESPACE = "shop"


def means(kind: type[ShoalError], words: str, about: str) -> Callable[[Provoke], Provoke]:
    """Say what the refusal that the function provokes means; `about` is like `apps/Deployment/web`.

    The function raises AnsweredError, with what the server answered.
    """
    group, of_kind, name = about.split("/")
    namespace = "" if of_kind in {"Namespace", "ClusterRole"} else RECORDED_NAMESPACE
    key = ObjectKey(group, of_kind, namespace, name)

    def register(provoke: Provoke) -> Provoke:
        refusal = Refusal(provoke.__name__, provoke, key, kind, words)
        assert refusal.name not in REFUSALS
        REFUSALS[refusal.name] = refusal
        return provoke

    return register


def pod(**more: Any) -> Body:
    """A Pod; `more` is of its one container."""
    container = {"name": "app", "image": "app:1", **more}
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}


def settings(**data: str) -> Body:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data}


def deployment(*, app: str = "web", **container: Any) -> Body:
    """A Deployment whose Pods carry the label `app`."""
    labels = {"app": app}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod(**container)["spec"]},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
