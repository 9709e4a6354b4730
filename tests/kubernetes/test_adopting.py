"""Adopting, on a real API server: what is there already, whose it is, and how it becomes ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from jsonpatch import make_patch
from tests.kubernetes import shapes
from tests.kubernetes.planes import PlaneWorld
from tests.kubernetes.shapes import DEPLOYERS, key_of, release, with_marks

from shoal.errors import InvalidObject, OwnershipConflict
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.model.policies import ExistingPolicy
from shoal.testing.target_bench import Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real

ADOPT = ExistingPolicy.ADOPT
IF_NO_DIFF = ExistingPolicy.ADOPT_IF_NO_DIFF
_BOOKKEEPING = ("managedFields", "resourceVersion")
_MARKS = (
    "shoal.dev/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "argocd.argoproj.io/",
    "meta.helm.sh/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
)


async def deployed(world: PlaneWorld, deployer: str) -> list[Any]:
    """A release as a tool leaves it; and what Git would have for it."""
    bodies = release(world.namespace)
    deploy, _ = DEPLOYERS[deployer]
    async with world.plane.client() as client:
        for body in bodies:
            await deploy(client, body)
        await shapes.controlled(client, key_of(bodies[0]))
    return bodies


async def live_of(world: PlaneWorld, bodies: list[Any]) -> dict[ObjectKey, Any]:
    return {key_of(body): await world.read(key_of(body)) for body in bodies}


def but_for_marks(live: Mapping[str, Any]) -> dict[str, Any]:
    """The object without marks and bookkeeping: what an adoption may not change.

    The generation is among what it may not, but of a Deployment: there it counts annotations too,
    and starts no Pod (kubernetes: pkg/registry/apps/deployment/strategy.go).
    """
    metadata = {name: live["metadata"][name] for name in live["metadata"]}
    for name in _BOOKKEEPING:
        metadata.pop(name, None)
    if live["kind"] == "Deployment":
        del metadata["generation"]
    for part in ("labels", "annotations"):
        kept = {k: v for k, v in (metadata.pop(part, None) or {}).items() if not _is_mark(k)}
        if kept:
            metadata[part] = kept
    return {**live, "metadata": metadata}


def _is_mark(name: str) -> bool:
    return name.startswith(_MARKS)


def managers(live: Mapping[str, Any]) -> set[str]:
    entries = live["metadata"]["managedFields"]
    return {one["manager"] for one in entries if not one.get("subresource")}


@pytest.mark.parametrize("deployer", DEPLOYERS)
@pytest.mark.parametrize("policy", [ADOPT, IF_NO_DIFF])
async def test_adoption_changes_nothing_but_marks(
    subject: Subject, world: PlaneWorld, deployer: str, policy: ExistingPolicy
) -> None:
    bodies = await deployed(world, deployer)
    before = await live_of(world, bodies)
    async with bench(subject) as it:
        results = await it.sync(*bodies, when_already_exists=policy)
        after = await live_of(world, bodies)

        assert {one.error for one in results.values()} == {None}
        assert {one.action for one in results.values()} == {Action.ADOPT}
        for key, live in before.items():
            assert not make_patch(but_for_marks(live), but_for_marks(after[key])).patch
            assert managers(after[key]) <= {"shoal", "controller"}
            marks = {*after[key]["metadata"]["labels"], *after[key]["metadata"]["annotations"]}
            assert {name for name in marks if _is_mark(name)} == {
                "shoal.dev/fleet",
                "shoal.dev/application",
                "shoal.dev/owner",
            }
        assert (await it.plan(*bodies, when_already_exists=policy)).changes == ()


@pytest.mark.parametrize("deployer", DEPLOYERS)
async def test_the_result_names_the_owner_before(
    subject: Subject, world: PlaneWorld, deployer: str
) -> None:
    bodies = await deployed(world, deployer)
    async with bench(subject) as it:
        results = await it.sync(*bodies, when_already_exists=ADOPT)

        assert {one.note for one in results.values()} == {
            f"taken over from {DEPLOYERS[deployer][1]}"
        }


@pytest.mark.parametrize("deployer", DEPLOYERS)
async def test_by_default_what_exists_fails_with_both_names_and_is_untouched(
    subject: Subject, world: PlaneWorld, deployer: str
) -> None:
    bodies = await deployed(world, deployer)
    before = await live_of(world, bodies)
    async with bench(subject) as it:
        results = await it.sync(*bodies)

        assert await live_of(world, bodies) == before
        for result in results.values():
            assert isinstance(result.error, OwnershipConflict)
            assert DEPLOYERS[deployer][1] in str(result.error)
            assert "application default/web" in str(result.error)
            assert "whenAlreadyExists" in result.error.next_step


@pytest.mark.parametrize("deployer", DEPLOYERS)
async def test_a_field_that_a_deployer_set_goes_when_it_later_leaves_git(
    subject: Subject, world: PlaneWorld, deployer: str
) -> None:
    bodies = await deployed(world, deployer)
    settings = next(body for body in bodies if body["kind"] == "ConfigMap")
    async with bench(subject) as it:
        await it.sync(*bodies, when_already_exists=ADOPT)
        del settings["data"]["b"]
        container = bodies[0]["spec"]["template"]["spec"]["containers"][0]
        del container["env"]
        await it.sync(*bodies, when_already_exists=ADOPT)
        after = await live_of(world, bodies)

        assert after[key_of(settings)]["data"] == {"a": "1"}
        assert "env" not in after[key_of(bodies[0])]["spec"]["template"]["spec"]["containers"][0]


async def test_a_field_that_git_does_not_have_goes_with_its_owner(
    subject: Subject, world: PlaneWorld
) -> None:
    bodies = await deployed(world, "Helm")
    settings = next(body for body in bodies if body["kind"] == "ConfigMap")
    del settings["data"]["b"]
    async with bench(subject) as it:
        await it.sync(*bodies, when_already_exists=ADOPT)

        assert (await world.read(key_of(settings)) or {})["data"] == {"a": "1"}


async def test_what_a_controller_wrote_stays_when_git_does_not_have_it(
    subject: Subject, world: PlaneWorld
) -> None:
    bodies = await deployed(world, "Argo CD")
    async with bench(subject) as it:
        await it.sync(*bodies, when_already_exists=ADOPT)
        live = await world.read(key_of(bodies[0])) or {}

        assert live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
        assert live["status"]["updatedReplicas"] == 2


@pytest.mark.parametrize("deployer", DEPLOYERS)
async def test_an_object_that_differs_is_not_adopted_if_it_must_not(
    subject: Subject, world: PlaneWorld, deployer: str
) -> None:
    bodies = await deployed(world, deployer)
    before = await live_of(world, bodies)
    settings = next(body for body in bodies if body["kind"] == "ConfigMap")
    settings["data"]["a"] = "another"
    secret = next(body for body in bodies if body["kind"] == "Secret")
    secret["data"]["password"] = "b3RoZXI="
    async with bench(subject) as it:
        results = await it.sync(*bodies, when_already_exists=IF_NO_DIFF)
        after = await live_of(world, bodies)

        assert statuses(results)["settings"] is ResultStatus.FAILED
        assert "/data/a" in str(results["settings"].error)
        assert "/data/password" in str(results["login"].error)
        assert "b3RoZXI" not in str(results["login"].error)
        assert after[key_of(settings)] == before[key_of(settings)]
        assert results["web"].action is Action.ADOPT


@pytest.mark.parametrize("deployer", ["Helm", "Flux Kustomization", "Argo CD"])
async def test_a_field_that_only_the_owner_before_has_is_a_difference(
    subject: Subject, world: PlaneWorld, deployer: str
) -> None:
    bodies = await deployed(world, deployer)
    settings = next(body for body in bodies if body["kind"] == "ConfigMap")
    del settings["data"]["b"]
    async with bench(subject) as it:
        results = await it.sync(settings, when_already_exists=IF_NO_DIFF)

        assert "/data/b" in str(results["settings"].error)
        assert (await world.read(key_of(settings)) or {})["data"] == {"a": "1", "b": "2"}


async def test_a_label_that_git_has_too_is_no_mark_of_another_owner(
    subject: Subject, world: PlaneWorld
) -> None:
    bodies = await deployed(world, "Helm")
    labels = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"}
    settings = next(body for body in bodies if body["kind"] == "ConfigMap")
    async with bench(subject) as it:
        results = await it.sync(with_marks(settings, labels), when_already_exists=ADOPT)
        live = await world.read(key_of(settings)) or {}

        assert results["settings"].action is Action.ADOPT
        assert labels.items() <= live["metadata"]["labels"].items()


@pytest.mark.parametrize("policy", [ADOPT, IF_NO_DIFF])
async def test_an_adoption_that_the_server_refuses_leaves_the_object_to_its_owner(
    subject: Subject, world: PlaneWorld, policy: ExistingPolicy
) -> None:
    async with bench(subject) as it:
        body = it.config_map("frozen", a="1")
        owner = {"kustomize.toolkit.fluxcd.io/name": "shop"}
        await world.create({**with_marks(body, owner), "immutable": True})
        before = await world.read(it.key("frozen"))
        results = await it.sync(it.config_map("frozen", a="2"), when_already_exists=policy)

        assert isinstance(results["frozen"].error, InvalidObject)
        assert "shoal.dev/apply: Recreate" in results["frozen"].error.next_step
        assert await world.read(it.key("frozen")) == before


@pytest.mark.parametrize("policy", [ADOPT, IF_NO_DIFF])
async def test_a_field_that_cannot_go_with_its_owner_leaves_the_object_to_it(
    subject: Subject, world: PlaneWorld, policy: ExistingPolicy
) -> None:
    key = ObjectKey("", "PersistentVolumeClaim", world.namespace, "claim")
    storage = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    body = {
        "apiVersion": "v1",
        "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {**storage, "storageClassName": ""},
    }
    async with bench(subject) as it:
        await world.create({**body, "spec": {**body["spec"], "volumeName": "old"}})
        await world.change(key, {"metadata": {"managedFields": [{}]}})
        before = await world.read(key)
        results = await it.sync(body, when_already_exists=policy)

        assert isinstance(results["claim"].error, InvalidObject)
        assert "VolumeName" in str(results["claim"].error)
        assert await world.read(key) == before


@pytest.mark.parametrize("policy", [ADOPT, IF_NO_DIFF])
async def test_what_protects_an_object_stays_when_it_is_adopted(
    subject: Subject, world: PlaneWorld, policy: ExistingPolicy
) -> None:
    async with bench(subject) as it:
        body = it.config_map("kept", a="1")
        protection = {
            "finalizers": ["example.test/hold"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}],
            "annotations": {"shoal.dev/prune": "Never"},
        }
        await world.create(body)
        await world.change(it.key("kept"), {"metadata": protection})
        results = await it.sync(body, when_already_exists=policy)
        live = await world.read(it.key("kept")) or {}

        assert results["kept"].action is Action.ADOPT
        assert live["metadata"]["finalizers"] == protection["finalizers"]
        assert live["metadata"]["ownerReferences"] == protection["ownerReferences"]
        assert live["metadata"]["annotations"]["shoal.dev/prune"] == "Never"


async def test_each_annotation_that_would_go_is_told(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        body = it.config_map("noted", a="1")
        await world.create(body)
        annotations = {"example.test/wave": "1"}
        await world.change(it.key("noted"), {"metadata": {"annotations": annotations}})
        results = await it.sync(body, when_already_exists=IF_NO_DIFF)

        assert "/metadata/annotations/example.test~1wave" in str(results["noted"].error)


async def test_an_object_without_managed_fields_is_adopted_whole(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await world.create(it.config_map("old", a="1", b="2"))
        nothing = [{}]  # how a client clears them, by the documentation of server-side apply
        await world.change(it.key("old"), {"metadata": {"managedFields": nothing}})
        await it.sync(it.config_map("old", a="1"), when_already_exists=ADOPT)
        live = await world.read(it.key("old")) or {}

        assert live["data"] == {"a": "1"}
        assert managers(live) == {"shoal"}


async def test_an_object_without_managed_fields_that_has_more_than_git_differs(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await world.create(it.config_map("old", a="1", b="2"))
        await world.change(it.key("old"), {"metadata": {"managedFields": [{}]}})
        results = await it.sync(it.config_map("old", a="1"), when_already_exists=IF_NO_DIFF)

        assert "/data/b" in str(results["old"].error)
        assert (await world.read(it.key("old")) or {})["data"] == {"a": "1", "b": "2"}


async def test_an_adoption_is_two_writes_that_were_tried_out(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    bodies = await deployed(world, "Flux Kustomization")
    async with bench(subject) as it:
        start = await audit_position(plane.audit_log)
        await it.sync(*bodies, when_already_exists=ADOPT)
        entries = await read_audit_log(plane.audit_log, since=start)
        patches = [one for one in entries if one.user == "shoal" and one.verb == "patch"]
        codes = [one.code for one in patches if "dryRun" not in one.path]

        assert codes.count(409) == len(bodies)
        assert codes.count(200) == 2 * len(bodies)
        assert len(patches) - len(codes) == 2 * len(bodies)
