"""A document that cannot be read keeps its last valid version, and everything else goes on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.fleet.harness import FleetUnderTest, Writes, config_map, document

from shoal.engine.views.applications import ApplicationView
from shoal.engine.views.fleet import DocumentProblem, FleetView
from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane

SHOP = "application-shop.yaml"
REF = {"ref": "apps", "path": "shop"}
ALL = {"clusterSelector": {}}


@pytest.fixture
def two_applications(small_fleet: FleetUnderTest, namespace: str) -> FleetUnderTest:
    """`shop`, which will be spoilt, and `good`, which nothing may happen to."""
    small_fleet.declare_application("good")
    for name in ("shop", "good"):
        small_fleet.repository.write(f"{name}/all.yaml", config_map(name, namespace, step="1"))
    small_fleet.repository.commit("Open both")
    return small_fleet


async def until_both(fleet: FleetUnderTest, revision: str = "") -> None:
    for name in ("shop", "good"):
        if revision:
            await fleet.until_revision(revision, name)
        else:
            await fleet.until_phase("Synced", name)


async def until_problem(fleet: FleetUnderTest) -> tuple[FleetView, DocumentProblem]:
    def look() -> FleetView | None:
        view = fleet.controller.fleet()
        return view if view.problems else None

    view = await fleet.until(look, "a problem in the documents")
    assert isinstance(view, FleetView)
    return view, view.problems[0]


def with_step(fleet: FleetUnderTest, namespace: str, step: str) -> None:
    for name in ("shop", "good"):
        fleet.repository.write(f"{name}/all.yaml", config_map(name, namespace, step=step))


def application(**spec: object) -> str:
    return document("Application", "shop", {"source": REF, "placement": ALL, **spec})


@pytest.mark.parametrize(
    ("text", "told", "next_step"),
    [
        pytest.param(
            "apiVersion: shoal.dev/v1alpha1\nkind: Application\nmetadata: {name: shop\nspec: 1\n",
            f"{SHOP}:3: : not YAML: while parsing a flow mapping: did not find",
            "",
            id="malformed",
        ),
        pytest.param(
            application(overides=[]),
            f"{SHOP}:15: spec.overides: unknown field",
            "did you mean overrides?",
            id="an unknown field",
        ),
        pytest.param(
            application(render={"plaine": {}}),
            f"{SHOP}:16: spec.render.plaine: not the name of a renderer plugin "
            "(expected one of helm, kustomize, plain)",
            "did you mean plain?",
            id="an unknown renderer",
        ),
        pytest.param(
            application(source={"gti": {}, "path": "."}),
            f"{SHOP}:9: spec.source.gti: neither a field nor the name of a source plugin",
            "did you mean git?",
            id="an unknown kind of source",
        ),
        pytest.param(
            application(sync={"prune": "Nevr"}),
            f"{SHOP}:16: spec.sync.prune: not a known value",
            "did you mean Never?",
            id="an unknown value",
        ),
    ],
)
async def test_the_last_valid_version_stays_and_the_fleet_says_where_the_problem_is(
    two_applications: FleetUnderTest, namespace: str, text: str, told: str, next_step: str
) -> None:
    fleet = two_applications
    async with fleet.running():
        await until_both(fleet)
        fleet.write(SHOP, text)
        await fleet.reload()
        view, problem = await until_problem(fleet)
        with_step(fleet, namespace, "2")
        await until_both(fleet, await fleet.push("Go on"))
        fleet.declare_application("shop")
        await fleet.reload()
        await fleet.until(lambda: fleet.controller.fleet().ready == "True", "the fleet is well")
        (record,) = await fleet.records(Deed.FLEET_INVALID)

    assert view.ready == "False"
    assert view.message == "1 problem in the documents; what they concern stays as it was"
    assert f"{problem.file}:{problem.line}: {problem.field}: {problem.message}".startswith(told)
    assert problem.next_step == next_step
    assert f"{SHOP}:{problem.line}" in str(record.body["problems"])


async def test_an_application_of_an_unknown_source_says_so_and_keeps_what_it_has(
    two_applications: FleetUnderTest, namespace: str
) -> None:
    fleet = two_applications
    async with fleet.running():
        await until_both(fleet)
        fleet.declare_application("shop", source={"ref": "aps", "path": "shop"})
        await fleet.reload()
        await fleet.until(lambda: fleet.application("shop").phase == "Failed", "shop failed")
        view, holds = fleet.application("shop"), fleet.controller.holds()
        with_step(fleet, namespace, "2")
        await fleet.until_revision(await fleet.push("Go on"), "good")
        await fleet.until_phase("Synced", "shop")
        fleet.declare_source("aps", url=str(fleet.repository.folder), branch="main")
        await fleet.until_revision(fleet.repository.git("rev-parse", "HEAD"), "shop")

    assert view.message == (
        "application default/shop names source default/aps, and there is no such Source"
    )
    assert view.next_step == "did you mean default/apps?"
    assert holds == []


async def test_a_removed_source_keeps_what_came_from_it(
    two_applications: FleetUnderTest, namespace: str
) -> None:
    fleet = two_applications
    url = str(fleet.repository.folder)
    fleet.declare_source("others", url=url, branch="main")
    fleet.declare_application("shop", source={"ref": "others", "path": "shop"})
    async with fleet.running():
        await until_both(fleet)
        fleet.remove("source-others.yaml")
        await fleet.until(lambda: fleet.application("shop").phase == "Failed", "shop failed")
        await fleet.until_phase("Synced", "shop")
        message, holds = fleet.application("shop").message, fleet.controller.holds()
        fleet.declare_source("others", url=url, branch="main")
        await fleet.until(lambda: fleet.application("shop").phase == "Synced", "shop is well")

    assert message == (
        "application default/shop names source default/others, and there is no such Source"
    )
    assert holds == []


async def test_an_application_that_selects_no_cluster_says_so(
    two_applications: FleetUnderTest,
) -> None:
    fleet = two_applications
    nowhere = {"clusterSelector": {"matchLabels": {"env": "nowhere"}}}
    fleet.declare_application("lost", "shop", placement=nowhere)
    async with fleet.running():
        await until_both(fleet)
        await fleet.until(lambda: fleet.application("lost").message, "a message")
        view = fleet.application("lost")

    assert view.message == "its placement selects no cluster"
    assert view.next_step == "shoal get clusters -o yaml shows their labels"


async def test_after_a_restart_what_a_broken_file_held_is_kept_and_unknown(
    two_applications: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    fleet = two_applications
    async with fleet.running():
        await until_both(fleet)
    fleet.write(SHOP, "kind: [")
    writes = await Writes.since_now(clusters["dev"], namespace)
    with_step(fleet, namespace, "2")
    revision = fleet.repository.commit("Go on")
    async with fleet.running():
        await fleet.until_revision(revision, "good")
        shop, view, holds = fleet.target("shop", "dev"), *both(fleet)
        fleet.declare_application("shop")
        await fleet.until_revision(revision)

    assert shop is not None
    assert shop.phase == "Unknown"
    assert shop.message == (
        f"the document of application default/shop, in {SHOP}, cannot be read; "
        "what is live stays as it is"
    )
    assert shop.next_step == "see shoal status, or run shoal validate"
    assert view.phase == "Unknown"
    assert holds == 0
    assert [entry.name for entry in await writes.at_least(2)] == ["good", "shop"]


def both(fleet: FleetUnderTest) -> tuple[ApplicationView, int]:
    return fleet.application("shop"), len(fleet.controller.holds())


async def test_after_a_restart_a_cluster_whose_file_is_broken_is_kept_and_unknown(
    two_applications: FleetUnderTest, namespace: str, clusters: Mapping[str, ControlPlane]
) -> None:
    fleet = two_applications
    async with fleet.running():
        await until_both(fleet)
    fleet.write("cluster-dev.yaml", "kind: [")
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with fleet.running():
        await until_problem(fleet)
        await fleet.until(lambda: fleet.application("shop").revision, "shop is decided")
        await fleet.until(lambda: fleet.application("good").revision, "good is decided")
        shop, holds = fleet.target("shop", "dev"), fleet.controller.holds()
        fleet.declare_cluster(clusters["dev"])
        await until_both(fleet)

    assert shop is not None
    assert shop.phase == "Unknown"
    assert shop.message.startswith("the document of cluster dev, in cluster-dev.yaml, cannot be")
    assert holds == []
    assert await writes.seen() == []


async def test_an_empty_fleet_folder_changes_nothing(
    two_applications: FleetUnderTest, namespace: str
) -> None:
    fleet = two_applications
    async with fleet.running():
        await until_both(fleet)
        texts = {path.name: path.read_text() for path in fleet.documents.glob("*.yaml")}
        for name in texts:
            fleet.remove(name)
        await fleet.reload()
        view, problem = await until_problem(fleet)
        with_step(fleet, namespace, "2")
        await until_both(fleet, await fleet.push("Go on"))
        holds = fleet.controller.holds()
        for name, text in texts.items():
            fleet.write(name, text)
        await fleet.until(lambda: fleet.controller.fleet().ready == "True", "the fleet is well")

    assert holds == []
    assert view.ready == "False"
    assert problem.message == "there are no documents of shoal.dev"
