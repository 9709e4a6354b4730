"""A renderer that does what a test tells it, artifacts from files in memory, and the originals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.programs import locate_needed, located
from tests.rendering.originals.programs import HELM, KUSTOMIZE, kubernetes_yaml
from tests.rendering.originals.running import KubernetesYaml, Originals

from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.artifacts import Artifact, Tree
from shoal.model.choice import Spec
from shoal.model.identity import Ref
from shoal.model.manifests import Manifest
from shoal.testing.hosts import make_host
from shoal_plugins.rendering.program import worker_program
from shoal_plugins.rendering.worker import Workers


class Parameters(Spec):
    """One parameter, to see a change of it."""

    value: str = ""


Does = Callable[[Folder], Awaitable[object]]


@dataclass
class ToldRenderer:
    """Renders one object that holds what `does` returned; counts its calls."""

    does: Does
    name: str = "told"
    version: str = "1"
    markers: tuple[str, ...] = ()
    spec: type[Spec] = Parameters
    calls: list[str] = field(default_factory=list)

    async def render(
        self, parameters: Parameters, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        self.calls.append(parameters.value)
        body = {"kind": "Told", "did": await self.does(folder), "value": parameters.value}
        return [Manifest(body, "told.yaml:1")]


@pytest.fixture
def told() -> type[ToldRenderer]:
    """The class of told renderers."""
    return ToldRenderer


@pytest.fixture
def parameters() -> type[Parameters]:
    """The class of their parameters."""
    return Parameters


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host whose folders are the test's; what was started for it ends with the test."""
    async with AsyncExitStack() as stack:
        yield make_host(tmp_path, at_end=stack.push_async_callback)


@pytest.fixture
def workers() -> Workers:
    """A pool of real workers; they end with `host`."""
    return Workers(worker_program())


@pytest.fixture
def artifact() -> Callable[..., Artifact]:
    """Makes an artifact of a tree."""

    def make(tree: Tree, *, revision: str = "1" * 40, source: str = "web") -> Artifact:
        return Artifact(Ref("default", source), revision, tree.digest, tree)

    return make


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find or make the programs first: minutes, once."""
    needed = {
        "workers": [worker_program()],
        "kubernetes_reader": [kubernetes_yaml()],
        "originals": [KUSTOMIZE, HELM],
    }
    locate_needed(session, needed)


@pytest.fixture(scope="session")
def kubernetes_reader() -> Iterator[KubernetesYaml]:
    """Kubernetes' own reader of YAML."""
    reader = KubernetesYaml(located(kubernetes_yaml()))
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def originals(kubernetes_reader: KubernetesYaml) -> Originals:
    """The commands whose output Shoal's must equal."""
    return Originals(located(HELM), located(KUSTOMIZE), kubernetes_reader)
