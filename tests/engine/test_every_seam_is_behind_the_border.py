"""Every call of every seam, each broken in every way, for one subject: the others do not notice."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import anyio
import pytest
from structlog.testing import capture_logs
from tests.engine import wild
from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.diffing import DiffRequest
from shoal.errors import ShoalError, UnknownName
from shoal.hooks import access, gates, health, notifiers, renderers, sources, targets
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.artifacts import Artifact, Tree
from shoal.model.choice import Spec
from shoal.model.endpoints import Endpoint
from shoal.model.health import Health
from shoal.model.identity import GroupKind, Ref
from shoal.model.manifests import Manifest

ILL, WELL = "ill", "well"
STEP_SECONDS = 0.5
WITHIN_SECONDS = 2000.0  # longer than any deadline
PROMPT_SECONDS = 3.0  # the source is looked at every second

Does = Callable[[], Any]
CALLS = (
    "SourceType.fetch",
    "RevisedSourceType.at",
    "RememberingSourceType.ancestor",
    "Tree.entry",
    "Tree.read",
    "Tree.list",
    "Renderer.render",
    "AccessType.connect",
    "Endpoint.credential",
    "TargetType.open",
    "GrantingTargetType.grants",
    "ExaminingTargetType.examine",
    "Session.probe",
    "Session.api_versions",
    "Session.plan",
    "Session.learn",
    "Session.apply",
    "Session.differences",
    "Session.sightings",
    "Session.sweep",
    "DescendingSession.pods",
    "Gate.evaluate",
    "NotifierType.send",
    "HealthCheck.assess",
)
PLAIN = frozenset({"HealthCheck.assess", "RevisedSourceType.at"})
ITERATED = frozenset({"Session.apply", "Session.sightings"})
ASKED_BY_A_PERSON = frozenset(
    {
        "RevisedSourceType.at",
        "RememberingSourceType.ancestor",
        "DescendingSession.pods",
        "Session.differences",
        "Session.api_versions",
        "Session.learn",
    }
)
OFFLINE = frozenset({"GrantingTargetType.grants", "ExaminingTargetType.examine"})
"""Asked by commands without a controller, by the same border: see the tests of these commands."""
IN_A_RECOVERY = frozenset({"Session.sweep"})
"""Asked when the records of a cluster may have holes, by the same border: see its own tests."""
HARMLESS = frozenset({("Session.learn", "gives nonsense"), ("NotifierType.send", "gives nonsense")})
"""Nobody looks at what it gives."""

pytestmark = pytest.mark.usefixtures("no_tracebacks")


@pytest.fixture
def no_tracebacks() -> Iterator[None]:
    """To print them takes far longer than the tests."""
    with capture_logs():
        yield


async def nonsense() -> Any:
    return wild.Odd()


async def exits() -> Any:
    raise SystemExit(3)


WAYS: dict[str, Callable[[], Any]] = {
    "raises SystemExit": exits,
    "gives nonsense": nonsense,
    "never ends": wild.hang_shielded,
}


def broken(call: str, way: str) -> Does:
    """What the method does instead, in the form that it has."""
    does = WAYS[way]
    if call in PLAIN:
        return (lambda: wild.Odd()) if way == "gives nonsense" else _exit
    if call in ITERATED:
        return lambda: wild.each_of(does)
    if call == "TargetType.open":
        return lambda: wild.opening(does)
    return does


def _exit() -> Any:
    raise SystemExit(3)


class Broken:
    """Like what it stands for, but for one method."""

    def __init__(self, real: Any, method: str, does: Does) -> None:
        self._real, self._method, self._does = real, method, does

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            return lambda *args, **kwargs: self._does()
        return getattr(self._real, name)

    def pods(self, *args: Any) -> Any:
        """Since Python 3.12 what a part fulfils is looked for without `__getattr__`."""
        return self.__getattr__("pods")(*args)


class Concerning:
    """A plugin that is broken only when it is asked for what `concerns` says yes to."""

    def __init__(self, real: Any, method: str, does: Does, concerns: Callable[..., bool]) -> None:
        self._real, self._method, self._does, self._concerns = real, method, does, concerns

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._method:
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            is_meant = self._concerns(*args, **kwargs)
            return self._does() if is_meant else found(*args, **kwargs)

        return method

    def ancestor(self, *args: Any) -> Any:
        """As above."""
        return self.__getattr__("ancestor")(*args)


class BrokenSessions:
    """A target type whose sessions to the cluster `ill` have one broken method."""

    def __init__(self, real: Any, method: str, does: Does) -> None:
        self._real, self._method, self._does = real, method, does

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @asynccontextmanager
    async def open(self, cluster: str, *args: Any) -> AsyncIterator[Any]:
        async with self._real.open(cluster, *args) as session:
            yield Broken(session, self._method, self._does) if cluster == ILL else session


class BrokenTrees:
    """A source type whose trees for the source `wild` have one broken method."""

    def __init__(self, real: Any, method: str, does: Does) -> None:
        self._real, self._method, self._does = real, method, does

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def fetch(self, source: Ref, *args: Any) -> Artifact:
        found: Artifact = await self._real.fetch(source, *args)
        if source.name != "wild":
            return found
        tree: Any = Broken(found.tree, self._method, self._does)
        return replace(found, tree=tree)


class Check:
    """A health check of all ConfigMaps; it has no opinion."""

    name = "maps"
    kinds = frozenset({GroupKind("", "ConfigMap")})

    def assess(self, body: Any) -> Health | None:
        return None


def break_one(engine: EngineUnderTest, call: str, way: str) -> None:
    """Let one call of one seam be broken: for the cluster `ill`, or for the application `ill`."""
    protocol, _, method = call.partition(".")
    does, part = broken(call, way), engine
    made: Any = engine
    match protocol:
        case "SourceType" | "RevisedSourceType" | "RememberingSourceType":
            concerns = (lambda ref, *rest: ref.name == "wild") if method == "fetch" else _always
            made.source = Concerning(part.source, method, does, concerns)
        case "Tree":
            made.source = BrokenTrees(part.source, method, does)
        case "Renderer":
            concerns = lambda parameters, *rest: parameters.values == {"wild": "1"}  # noqa: E731
            made.renderer = Concerning(part.renderer, method, does, concerns)
        case "AccessType":
            concerns = lambda spec, host: spec.to == ILL  # noqa: E731
            made.access = Concerning(part.access, method, does, concerns)
        case "Endpoint":
            made.access = _BadCredentials(part.access, does)
        case "TargetType":
            concerns = lambda cluster, *rest: cluster == ILL  # noqa: E731
            made.target_type = Concerning(part.target_type, method, does, concerns)
        case "Session" | "DescendingSession":
            made.target_type = BrokenSessions(part.target_type, method, does)
        case "Gate":
            concerns = lambda spec, proposal, host: proposal.cluster.name == ILL  # noqa: E731
            made.gate = Concerning(part.gate, method, does, concerns)
        case "NotifierType":
            concerns = lambda spec, batch, host: batch.alert.name == ILL  # noqa: E731
            made.notifier = Concerning(part.notifier, method, does, concerns)
        case _:
            concerns = lambda body: body["metadata"]["name"] == "wild"  # noqa: E731
            made.checks = [Concerning(Check(), method, does, concerns)]


def _always(*args: Any) -> bool:
    return True


class _BadCredentials:
    def __init__(self, real: Any, does: Does) -> None:
        self._real, self._does = real, does

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def connect(self, spec: Any, host: Host) -> Endpoint:
        found: Endpoint = await self._real.connect(spec, host)
        return replace(found, credential=self._does) if spec.to == ILL else found


def fleet(folder: Path) -> EngineUnderTest:
    """Applications `shop` and, from a source and with values of its own, `ill`; two clusters."""
    engine = make_engine(folder, ILL, WELL)
    engine.documents.write("Source", "wild", {"memory": {}, "interval": "1s"})
    engine.declare_application("shop", gates=[{"asking": {}}])
    engine.declare_application(
        "ill",
        source={"ref": "wild", "path": "ill"},
        render={"json": {"values": {"wild": "1"}}},
        gates=[{"asking": {}}],
    )
    for name in (ILL, WELL):
        engine.declare_alert(name, events=["Synced"], groupFor="1s")
    return engine


def commit(engine: EngineUnderTest, color: str) -> str:
    return engine.source.commit(
        shop__settings=config_map(color=color), ill__wild=config_map("wild", color=color)
    )


def told(engine: EngineUnderTest) -> list[str]:
    """All that is said of anything that is not well."""
    seen = engine.controller
    views = [
        *(*seen.applications(), *seen.clusters(), *seen.sources()),
        *(*seen.targets(), *seen.alerts()),
    ]
    problems = [each for view in seen.targets() for each in view.problems]
    holds = [hold.reason for hold in seen.holds()]
    return [*(view.message for view in views), *(each.message for each in problems), *holds]


WORDS = (" failed for ", " gave a wrong answer for ", " did not answer", " has not ended ")


async def until_told(engine: EngineUnderTest) -> str:
    """Wait until the plugin is blamed; the words of the border, whatever they are about."""
    with anyio.move_on_after(WITHIN_SECONDS):
        while True:
            for message in told(engine):
                if any(words in message for words in WORDS):
                    return message
            await anyio.sleep(STEP_SECONDS)
    raise AssertionError(f"nobody said it: {told(engine)}")


IN_LOOPS = [
    (call, way)
    for call in CALLS
    for way in WAYS
    if call not in ASKED_BY_A_PERSON | IN_A_RECOVERY | OFFLINE
    and not (call in PLAIN and way == "never ends")
    and (call, way) not in HARMLESS
    # The stream of sightings tells what happens, and it may be that nothing does.
    and (call, way) != ("Session.sightings", "never ends")
]


@pytest.mark.parametrize(("call", "way"), IN_LOOPS)
@in_virtual_time
async def test_a_plugin_that_is_broken_stalls_what_it_is_asked_for_and_nothing_else(
    tmp_path: Path, call: str, way: str
) -> None:
    engine = fleet(tmp_path)
    break_one(engine, call, way)
    commit(engine, "blue")

    async with engine.running():
        message = await until_told(engine)
        revision, started = commit(engine, "green"), anyio.current_time()
        await engine.until_synced(revision, WELL)
        seconds = anyio.current_time() - started

    assert message
    assert data_in(engine.clusters[WELL]) == {"color": "green"}
    assert seconds < PROMPT_SECONDS
    await anyio.sleep(wild.LONG_SECONDS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("call", sorted(ASKED_BY_A_PERSON))
@in_virtual_time
async def test_a_broken_answer_to_a_person_is_an_error_and_nothing_else(
    tmp_path: Path, call: str, way: str
) -> None:
    if (call, way) in HARMLESS or (call in PLAIN and way == "never ends"):
        return
    engine = fleet(tmp_path)
    if call == "Session.api_versions":
        engine.renderer = _Asking()  # type: ignore[assignment]  # the same, and it asks
    break_one(engine, call, way)
    commit(engine, "blue")

    async with engine.running():
        await engine.until_synced("1", WELL)
        if call == "RevisedSourceType.at":
            with pytest.raises(ShoalError, match="source memory"):
                await engine.controller.diff(
                    DiffRequest(Ref("default", "shop"), "ana", revision="x")
                )
        elif call == "RememberingSourceType.ancestor":
            with pytest.raises(UnknownName, match="source memory"):
                await engine.controller.whereabouts("0123456")
        elif call == "DescendingSession.pods":
            await engine.until_synced("1", ILL)
            tree = await engine.controller.tree(Ref("default", "shop"), _always, with_pods=True)
            (gap,) = tree.gaps
            assert gap.startswith("ill: target ")
        elif call == "Session.differences":
            await engine.until_synced("1", ILL)
            await engine.clusters[ILL].change(
                next(iter(engine.clusters[ILL].objects)), {"data": {"color": "red"}}
            )
            view = await engine.controller.adopt(Ref("default", "shop"))
            assert view is not None
        elif call == "Session.learn":
            await engine.until_synced("1", ILL)
            engine.source.commit(shop__other=config_map("other"), ill__wild=config_map("wild"))
            await until_told(engine)
        revision = commit(engine, "green")
        await engine.until_synced(revision, WELL)

    assert data_in(engine.clusters[WELL]) == {"color": "green"}
    await anyio.sleep(wild.LONG_SECONDS)


class _Asking:
    """A renderer that asks the cluster for its APIs."""

    name, version, markers = "json", "1", ("*",)

    def __init__(self) -> None:
        from tests.engine.fakes import ValuesSpec

        self.spec: type[Spec] = ValuesSpec

    async def render(
        self, parameters: Any, folder: Folder, facts: ClusterFacts, host: Host
    ) -> list[Manifest]:
        import orjson

        entries = await folder.list("")
        await facts.look("apiVersions")
        return [Manifest(orjson.loads(await folder.read(each.name)), each.name) for each in entries]


def test_every_call_of_every_seam_is_in_the_matrix() -> None:
    modules = (sources, renderers, access, targets, gates, health, notifiers)
    ours = {"Folder", "ClusterFacts", "Judge"}  # what the core lends to a plugin
    found = {"Endpoint.credential", *(f"Tree.{name}" for name in _methods(Tree))}
    for module in modules:
        for name, protocol in inspect.getmembers(module, inspect.isclass):
            is_seam = protocol.__module__ == module.__name__ and Protocol in protocol.__bases__
            is_seam = is_seam or getattr(protocol, "_is_protocol", False)
            if protocol.__module__ == module.__name__ and is_seam and name not in ours:
                found |= {f"{name}.{method}" for method in _methods(protocol)}

    assert found == set(CALLS)


def _methods(protocol: type) -> list[str]:
    members = inspect.getmembers(protocol, inspect.isfunction)
    return [name for name, _ in members if not name.startswith("_")]
