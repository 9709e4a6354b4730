"""What a render looks at of a cluster is an input like a file: nothing missed, nothing too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal.engine.rendering import Rendering
from shoal.errors import ClusterNotConnected, InvalidManifest, MissingFact
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts


class Parameters(Spec):
    """What a renderer is told to look at, in order; the next look may depend on the last."""

    looks: tuple[str, ...] = ()
    failing: tuple[tuple[str, str], ...] = (("read b", "0"), ("fact labels.y", "0"))


@dataclass
class LookingRenderer:
    """Looks at facts and files as it is told; what it finds is its output."""

    name: str = "looking"
    version: str = "1"
    markers: tuple[str, ...] = ()
    spec: type[Spec] = Parameters
    calls: list[str] = field(default_factory=list)

    async def render(
        self, parameters: Parameters, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        self.calls.append(self.version)
        seen: list[Any] = [self.version]
        for look in parameters.looks:
            seen.append(await _seen(look, folder, facts))
            if seen[-1] == "1":  # what comes after is not looked at: it must not count
                break
            if (look, seen[-1]) in parameters.failing:
                raise InvalidManifest(f"{look} shows {seen[-1]}")
        return [Manifest({"kind": "Seen", "seen": seen}, "seen.yaml:1")]


async def _seen(look: str, folder: Folder, facts: ClusterFacts) -> Any:
    verb, _, what = look.partition(" ")
    try:
        if verb == "read":
            return (await folder.read(what)).decode()
        if verb == "find":
            found = await folder.find(what)
            return found and found.kind.value
        if verb == "list":  # as a glob does: names, and nothing of what stands in them
            return [entry.name for entry in await folder.list(what)]
        return await facts.look(what)
    except (FileNotFoundError, MissingFact, ClusterNotConnected) as error:
        return type(error).__name__


LOOKS = st.lists(
    st.sampled_from(
        [
            "read a",
            "read b",
            "read ../c",
            "find b",
            "find ../c",
            "list ",
            "list ..",
            "fact name",
            "fact labels.x",
            "fact labels.y",
            "fact values.x",
            "fact values.m.n",
            "fact kubernetesVersion",
            "fact apiVersions",
            "fact application",
        ]
    ),
    min_size=1,
    max_size=4,
    unique=True,
)
BITS = st.sampled_from(["0", "1"])
CLUSTERS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["one", "two"]),
        "labels": st.dictionaries(st.sampled_from(["x", "y"]), BITS),
        "values": st.dictionaries(
            st.sampled_from(["x", "m"]), BITS | st.dictionaries(st.just("n"), BITS)
        ),
        "told": st.dictionaries(st.sampled_from(["kubernetesVersion", "apiVersions"]), BITS),
        "application": st.sampled_from(["web", "api"]),
    }
)
FILES = st.dictionaries(st.sampled_from(["web/a", "web/b", "web/d", "c", "other"]), BITS).map(
    lambda files: {"web/.keep": "", **files}
)
VERSIONS = st.sampled_from(["1", "2"])
STATES = st.tuples(FILES, CLUSTERS, VERSIONS, LOOKS)
PROPERTY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=300,
)


@PROPERTY
@given(states=st.lists(STATES, min_size=2, max_size=6))
async def test_whatever_changed_the_memo_answers_as_rendering_anew(
    artifact: Any, host: Host, states: Any
) -> None:
    memo = Rendering()

    for state in states:
        remembered = await _output(memo, artifact, host, *state)
        anew = await _output(Rendering(), artifact, host, *state)
        assert remembered == anew


@PROPERTY
@given(before=STATES, after=STATES)
async def test_what_was_not_looked_at_renders_nothing(
    artifact: Any, host: Host, before: Any, after: Any
) -> None:
    """Everything changes but what the first render saw."""
    memo = Rendering()
    files, cluster, version, looks = before
    await _output(memo, artifact, host, *before)
    seen = _looked_at(looks, files, cluster)
    kept_files = _kept(files, after[0], seen)
    kept_cluster = _kept_cluster(cluster, after[1], seen)

    await _output(memo, artifact, host, kept_files, kept_cluster, version, looks)

    assert memo.renders == 1


@pytest.mark.parametrize(
    "other",
    [
        {"labels": {"x": "9"}},
        {"name": "two"},
        {"values": {"x": [1, 2]}},
        {"told": {"kubernetesVersion": "v2"}},
        {"application": "api"},
    ],
)
async def test_a_fact_that_changed_renders_again(artifact: Any, host: Host, other: Any) -> None:
    looks = [f"fact {each}" for each in ("name", "labels.x", "values.x", "kubernetesVersion")]
    cluster = {
        "name": "one",
        "labels": {"x": "0"},
        "values": {"x": "0"},
        "told": {"kubernetesVersion": "v0"},
        "application": "web",
    }
    memo = Rendering()
    tree = {"web/a": "0"}
    await _output(memo, artifact, host, tree, cluster, "1", [*looks, "fact application"])

    changed = {**cluster, **other}
    await _output(memo, artifact, host, tree, changed, "1", [*looks, "fact application"])
    await _output(memo, artifact, host, tree, cluster, "1", [*looks, "fact application"])

    assert (memo.renders, memo.hits) == (2, 1)


async def _output(
    memo: Rendering,
    artifact: Any,
    host: Host,
    files: Mapping[str, str],
    cluster: Mapping[str, Any],
    version: str,
    looks: Sequence[str],
) -> Any:
    renderer = LookingRenderer(version=version)
    parameters = Parameters(looks=tuple(looks))
    tree = artifact(MemoryTree(files))
    facts = make_facts(**cluster)
    try:
        made = await memo.render(renderer, parameters, tree, "web", facts, host)
    except InvalidManifest as error:
        return error.message, facts.looks  # who shares the failure goes by these
    return [each.body for each in made.manifests]


def _looked_at(
    looks: Sequence[str], files: Mapping[str, str], cluster: Mapping[str, Any]
) -> set[str]:
    """The looks that were really taken: a look that shows `1` is the last."""
    taken: set[str] = set()
    for look in looks:
        taken.add(look)
        verb, _, what = look.partition(" ")
        shown = {
            "read": lambda what=what: files.get(_path(what)),
            "fact": lambda what=what: _fact(cluster, what),
        }.get(verb, lambda: None)()
        if shown == "1":
            break
    return taken


def _fact(cluster: Mapping[str, Any], name: str) -> Any:
    family, _, rest = name.partition(".")
    if family in ("labels", "values"):
        found: Any = cluster[family]
        for part in rest.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
    return cluster["told"].get(name, cluster.get(name))


def _path(what: str) -> str:
    return "c" if what == "../c" else f"web/{what}"


def _kept(before: Mapping[str, str], after: Mapping[str, str], seen: set[str]) -> Mapping[str, str]:
    """The files of `after`, but where the first render looked."""
    if seen & {"list ", "list .."}:
        return before
    watched = {_path(look.partition(" ")[2]) for look in seen if not look.startswith("fact")}
    kept = {path: text for path, text in before.items() if path in watched}
    return {**{path: text for path, text in after.items() if path not in watched}, **kept}


def _kept_cluster(
    before: Mapping[str, Any], after: Mapping[str, Any], seen: set[str]
) -> Mapping[str, Any]:
    """The facts of `after`, but those that the first render looked at."""
    kept = dict(after)
    for fact in (look.partition(" ")[2] for look in seen if look.startswith("fact")):
        family = fact.partition(".")[0]
        kept[family if family in kept else "told"] = before[family if family in before else "told"]
    return kept
