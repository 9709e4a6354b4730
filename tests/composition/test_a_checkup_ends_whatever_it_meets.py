"""What a doctor finds: every probe ends in a line, and what is not well has a next step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from shoal.composition.checking_clusters import cluster_checks
from shoal.composition.checking_machine import machine_probes
from shoal.composition.diagnosing import Check, Finding, Probe, diagnose, ok
from shoal.composition.examining import Examined
from shoal.composition.loading import FailedPlugin, Plugins, load_plugins
from shoal.documents import load
from shoal.documents.naming_secrets import named_secrets
from shoal.errors import ClusterUnreachable, SourceUnavailable
from shoal.model.examinations import Examination, Refusal
from shoal.model.identity import Ref

HEAD = "apiVersion: shoal.dev/v1alpha1\n"


async def test_a_probe_that_hangs_or_raises_is_a_finding_and_keeps_no_other_waiting() -> None:
    async def hang() -> Sequence[Check]:
        await anyio.sleep_forever()
        raise AssertionError

    async def fail() -> Sequence[Check]:
        raise SourceUnavailable("nobody answers", next_step="wait")

    async def succeed() -> Sequence[Check]:
        return [ok("c", "fine")]

    found = await diagnose([Probe("a", hang, 0.01), Probe("b", fail, 1), Probe("c", succeed, 1)])

    assert [(each.subject, each.finding) for each in found] == [
        ("a", Finding.FAILED),
        ("b", Finding.FAILED),
        ("c", Finding.OK),
    ]
    assert "no answer within 0.01 s" in found[0].message
    assert (found[1].message, found[1].next_step) == ("nobody answers", "wait")


def examination(**said: object) -> Examination:
    given = {"uid": "u", "version": "v1.37.2", "latency_seconds": 0.002, **said}
    return Examination(**given)  # type: ignore[arg-type]  # what a test says is checked by it


def test_a_cluster_that_is_well_is_one_line() -> None:
    (check,) = cluster_checks([Examined("dev", "", examination(is_all_allowed=True))])

    assert check.finding is Finding.OK
    assert check.message == "v1.37.2 answers in 2 ms, everything is allowed"


def test_what_is_not_well_at_a_cluster_is_told_with_the_next_step() -> None:
    refused = (
        Refusal(("create", "patch"), "deployments.apps", "shop", "Deployments are delivered"),
        Refusal(("list",), "events", "shop", "why", is_needed=False),
    )
    found = cluster_checks(
        [
            Examined("dev", "", examination(clock_ahead_seconds=-61.2, refused=refused)),
            Examined("prod", error=ClusterUnreachable("prod is silent", next_step="look")),
            Examined("old", "", examination(uid="o", doubts=("Kubernetes v1.20 is older",))),
        ]
    )

    told = {(each.subject, each.finding.value): each for each in found}
    assert "its clock is 61 s behind the one here" in [each.message for each in found]
    assert told["cluster dev", "Failed"].message == (
        "does not allow what is delivered there: create, patch deployments.apps in shop"
    )
    assert "shoal cluster rbac -c dev" in told["cluster dev", "Failed"].next_step
    assert (
        "list events in shop" in next(each for each in found if "says more" in each.message).message
    )
    assert told["cluster prod", "Failed"].next_step == "look"
    assert "older" in told["cluster old", "Warning"].message


def test_two_documents_for_one_cluster_are_told() -> None:
    found = cluster_checks([Examined("a", "", examination()), Examined("b", "", examination())])

    assert [(each.subject, each.message) for each in found if each.finding is Finding.FAILED] == [
        ("cluster b", "is the same one as a, by their uid u")
    ]


async def machine(plugins: Plugins, state: Path) -> list[Check]:
    return await diagnose(machine_probes(plugins, state))


async def test_a_machine_without_plugins_cannot_serve_a_fleet(tmp_path: Path) -> None:
    broken = FailedPlugin("cats", "shoal-cats", "1.0", "ImportError: no cats")

    found = await machine(Plugins(failed=(broken,)), tmp_path / "state")

    wrong = {each.subject: each for each in found if each.finding is Finding.FAILED}
    assert set(wrong) == {"plugin cats", "plugins"}
    assert "shoal-cats 1.0 cannot be loaded: ImportError: no cats" in wrong["plugin cats"].message
    assert next(each.message for each in found if each.subject == "git")[0].isdigit()


async def test_a_state_folder_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    (state / "lock").write_text(f"{os.getpid()}\n")

    found = [each for each in await machine(Plugins(), state) if each.subject == "state folder"]

    assert found[0].next_step == f"chmod go= {state}"
    assert f"process {os.getpid()} was its last holder" in found[1].message


@pytest.mark.parametrize("free", [10 << 20, 500 << 20])
async def test_a_disk_that_is_full_is_told(
    tmp_path: Path, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        def __init__(self) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage())

    found = [each for each in await machine(Plugins(), tmp_path) if each.subject == "state folder"]

    assert found[-1].finding is (Finding.FAILED if free < 64 << 20 else Finding.WARNING)


def test_secrets_are_found_wherever_a_document_names_them() -> None:
    text = (
        f"{HEAD}kind: Source\nmetadata: {{name: a, namespace: shop}}\nspec: {{git: "
        "{url: https://h/a.git, tag: v1, secretRef: {name: login}, "
        "verify: {secretRef: {name: keys}}}}\n"
        f"---\n{HEAD}kind: Application\nmetadata: {{name: b, namespace: shop}}\nspec:\n"
        "  source: {git: {url: https://h/b.git, secretRef: {name: login}}}\n"
        "  placement: {clusterSelector: {}}\n"
    )
    loaded = load({"a.yaml": text.encode()}, load_plugins(["git"]).seams)

    found = named_secrets(each.document for each in loaded.documents.values())

    assert found == {
        Ref("shop", "keys"): ("Source shop/a",),
        Ref("shop", "login"): ("Source shop/a", "Application shop/b"),
    }
