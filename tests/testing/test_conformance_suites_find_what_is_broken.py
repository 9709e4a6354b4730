"""Each suite passes a plugin that keeps its promises, and fails one that breaks any of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from blockbuster import BlockingError
from pydantic import Field

from shoal.errors import InvalidManifest, InvalidSource
from shoal.hooks.gates import Proposal
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.artifacts import Artifact
from shoal.model.choice import Spec
from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind, Ref
from shoal.model.manifests import Manifest
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal.testing.gate_conformance import Asking, GateConformance, make_proposal
from shoal.testing.health_conformance import HealthConformance
from shoal.testing.hosts import make_host
from shoal.testing.renderer_conformance import RendererConformance, Rendering
from shoal.testing.seam_conformance import Caller, check_name, check_spec
from shoal.testing.source_conformance import Fetching, SourceConformance

SECRETS = {"default/forge": {"token": b"canary-77aa"}}
Does = Callable[..., Awaitable[Any]]


class PlaceSpec(Spec):
    """Where it is."""

    place: str = Field(default="here", description="Here, or nowhere.")


@dataclass
class Source:
    """One file; `does` stands between the question and its answer."""

    does: Does | None = None
    name: str = "shelf"
    spec: type[Spec] = PlaceSpec
    content: str = "a"

    async def fetch(
        self, source: Ref, spec: PlaceSpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        await anyio.sleep(0)
        if spec.place != "here":
            raise InvalidSource("it is not there")
        tree = MemoryTree({"web/a.yaml": self.content})
        fresh = Artifact(source, self.content, tree.digest, tree)
        known = previous if previous is not None and previous.digest == fresh.digest else fresh
        return known if self.does is None else await self.does(known, fresh, host)


@dataclass
class Renderer:
    """Each file becomes one object; `does` stands between the question and its answer."""

    does: Does | None = None
    name: str = "shelf"
    version: str = "1"
    spec: type[Spec] = PlaceSpec
    markers: tuple[str, ...] = ()
    made: list[Manifest] = field(default_factory=list)

    async def render(
        self, parameters: PlaceSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        made: list[Manifest] = []
        for entry in await folder.list(""):
            content = await folder.read(entry.name)
            if content == b"broken":
                raise InvalidManifest(f"{entry.name} cannot be read")
            body = {"kind": "Told", "metadata": {"name": entry.name}, "text": content.decode()}
            made.append(Manifest(body, f"{entry.name}:1"))
        return made if self.does is None else await self.does(self, made)


class TestSource(SourceConformance):
    """The one that keeps its promises."""

    @pytest.fixture
    def source(self) -> Source:
        return Source()

    @pytest.fixture
    def spec(self) -> Mapping[str, str]:
        return {}

    @pytest.fixture
    def move(self, source: Source) -> Callable[[], Awaitable[None]]:
        async def move() -> None:
            source.content += "+"

        return move

    @pytest.fixture
    def missing(self) -> Mapping[str, str]:
        return {"place": "nowhere"}


class TestRenderer(RendererConformance):
    """The one that keeps its promises."""

    @pytest.fixture
    def renderer(self) -> Renderer:
        return Renderer()

    @pytest.fixture
    def files(self) -> Mapping[str, str]:
        return {"a": "1", "b": "2"}

    @pytest.fixture
    def broken(self) -> Mapping[str, str]:
        return {"a": "broken"}


class Check:
    """Judges databases by a phase."""

    name = "databases"
    kinds = frozenset({GroupKind("acme.test", "Database")})

    def assess(self, body: Mapping[str, Any], /) -> Health | None:
        status = body.get("status")
        phase = status.get("phase") if isinstance(status, Mapping) else None
        if phase == "Ready":
            return Health(HealthState.HEALTHY)
        return Health(HealthState.PROGRESSING, f"its phase is {phase!r:.40}")


READY = {"kind": "Database", "metadata": {"name": "a"}, "status": {"phase": "Ready"}}
ILL = {"kind": "Database", "metadata": {"name": "a"}, "status": {"phase": "Down"}}


class TestHealthCheck(HealthConformance):
    """The one that keeps its promises."""

    @pytest.fixture
    def check(self) -> Check:
        return Check()

    @pytest.fixture
    def healthy(self) -> Mapping[str, Any]:
        return READY

    @pytest.fixture
    def unhealthy(self) -> Mapping[str, Any]:
        return ILL


async def block(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    time.sleep(0.001)
    return known


async def write(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    def touch() -> None:
        (host.cache_folder.parent / "elsewhere").write_text("x")

    await host.run_in_thread(touch)
    return known


async def leave_a_task(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    _left.append(asyncio.ensure_future(asyncio.sleep(0.05)))
    return known


async def tell(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    token = (await host.secrets.read("default", "forge"))["token"].decode()
    return replace(known, revision=token)


async def tell_in_an_error(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    token = (await host.secrets.read("default", "forge"))["token"].decode()
    raise InvalidSource(f"{token} was refused")


async def swallow(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    try:
        await anyio.sleep(0.05)
    except asyncio.CancelledError:
        raise ValueError("interrupted") from None
    return known


async def always_new(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    return fresh


async def another_digest(known: Artifact, fresh: Artifact, host: Host) -> Artifact:
    return replace(fresh, digest="other")


_left: list[asyncio.Future[None]] = []


@pytest.mark.parametrize(
    ("does", "test", "error", "words"),
    [
        (block, "a_revision_is_handed_over", BlockingError, r"time\.sleep"),
        (write, "a_revision_is_handed_over", AssertionError, "outside of host.cache_folder"),
        (leave_a_task, "a_revision_is_handed_over", AssertionError, "left tasks behind"),
        (tell, "a_revision_is_handed_over", AssertionError, "token of the secret default/forge"),
        (tell_in_an_error, "a_revision_is_handed_over", AssertionError, "of the secret"),
        (another_digest, "a_revision_is_handed_over", AssertionError, "other"),
        (always_new, "when_nothing_is_new_it_is_the_very_same_artifact", AssertionError, "is"),
        (
            swallow,
            "a_fetch_that_is_cancelled_ends_and_the_next_one_works",
            AssertionError,
            "instead of CancelledError",
        ),
    ],
)
async def test_a_source_that_breaks_a_promise_is_found(
    tmp_path: Path, does: Does, test: str, error: type[Exception], words: str
) -> None:
    host = make_host(tmp_path, secrets=SECRETS)
    suite: Any = SourceConformance()

    with pytest.raises(error, match=words):
        await getattr(suite, f"test_{test}")(Fetching(Source(does), host, SECRETS), {})
    await asyncio.gather(*_left)
    _left.clear()


async def test_a_source_that_calls_what_is_gone_empty_is_found(tmp_path: Path) -> None:
    fetching = Fetching(Source(), make_host(tmp_path), {})

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await SourceConformance().test_what_is_not_there_is_an_error_and_never_an_empty_source(
            fetching, {"place": "here"}
        )


async def add_one(it: Renderer, made: list[Manifest]) -> list[Manifest]:
    it.made.append(Manifest({"number": len(it.made)}, "a:1"))
    return [*made, it.made[-1]]


async def from_nowhere(it: Renderer, made: list[Manifest]) -> list[Manifest]:
    return [each.moved("") for each in made]


@pytest.mark.parametrize(
    ("does", "test"),
    [
        (add_one, "the_same_input_gives_the_same_output"),
        (from_nowhere, "every_object_says_where_it_comes_from"),
    ],
)
async def test_a_renderer_that_breaks_a_promise_is_found(
    tmp_path: Path, does: Does, test: str
) -> None:
    rendering = Rendering(Renderer(does), make_host(tmp_path), {})
    given = {"broken": {"a": "broken"}} if "same" in test else {}
    suite: Any = RendererConformance()

    with pytest.raises(AssertionError):
        await getattr(suite, f"test_{test}")(
            rendering, files={"a": "1"}, parameters={}, facts=make_facts(), **given
        )


class Gate:
    """Says what it is told to."""

    name, spec = "told", PlaceSpec

    async def evaluate(self, spec: PlaceSpec, proposal: Proposal, host: Host) -> str | None:
        return {"here": None, "nowhere": "Nothing may go."}[spec.place]


async def test_a_gate_that_breaks_a_promise_is_found(tmp_path: Path) -> None:
    asking = Asking(Gate(), make_host(tmp_path), {})

    with pytest.raises(AssertionError):
        await GateConformance().test_it_lets_pass_or_says_why_not_in_one_clause(
            asking, {}, {"place": "nowhere"}, make_proposal()
        )


class RashCheck(Check):
    """Takes it for granted that everything is there."""

    def assess(self, body: Mapping[str, Any], /) -> Health | None:
        is_ready = body["status"]["phase"] == "Ready"
        return Health(HealthState.HEALTHY if is_ready else HealthState.DEGRADED, "x")


def test_a_health_check_that_takes_parts_for_granted_is_found() -> None:
    with pytest.raises(AssertionError, match=r"(KeyError|TypeError) when status is odd"):
        HealthConformance().test_an_object_without_a_part_is_borne(RashCheck(), READY, ILL)


class Undescribed(Spec):
    """A field without a word."""

    every: timedelta = timedelta(1)


@pytest.mark.parametrize("name", ["", "Git", "my-source", "my_source", "1st", None])
def test_a_name_that_is_no_key_is_found(name: object) -> None:
    with pytest.raises(AssertionError):
        check_name(name)


@pytest.mark.parametrize(
    ("spec", "words"),
    [(dict, "no subclass"), (Undescribed, "every has no description"), (None, "no class")],
)
def test_a_model_that_is_loose_or_undescribed_is_found(spec: object, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_spec(spec)


async def test_a_call_that_does_not_end_when_it_is_cancelled_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal.testing.seam_conformance.SOON_SECONDS", 0.05)
    ended = asyncio.Event()

    async def deaf() -> None:
        with anyio.CancelScope(shield=True):
            await ended.wait()

    with pytest.raises(AssertionError, match="did not end within"):
        await Caller(Source(), make_host(tmp_path), {}).cancel(deaf)
    ended.set()
