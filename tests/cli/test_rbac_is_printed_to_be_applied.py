"""`shoal cluster rbac`: data that kubectl takes on stdout, what is to be known on stderr."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import orjson
import pytest
import yaml
from tests.cli.conftest import Ended, LocalFleet

from shoal import __version__
from shoal.cli.ending import Ending
from shoal_clusters.kubernetes.session import KubernetesTarget

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [endpoints], verbs: [get]}]
"""


@pytest.fixture
def shop(fleet: LocalFleet) -> LocalFleet:
    """The application, with its source in Git, on the clusters of one environment."""
    fleet.put(role=ROLE)
    fleet.override(selector="{matchLabels: {env: dev}}")
    git(fleet, "init", "-q", "-b", "main")
    commit(fleet)
    return fleet


def git(fleet: LocalFleet, *words: str) -> None:
    subprocess.run(["git", "-C", str(fleet.source), *words], check=True)


def commit(fleet: LocalFleet) -> None:
    git(fleet, "add", "-A")
    git(fleet, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "what is there")


def rbac(fleet: LocalFleet, *words: str) -> Ended:
    return fleet.run("cluster", "rbac", *words)


def test_it_is_a_stream_of_yaml_and_notes_are_beside_it(shop: LocalFleet) -> None:
    ended = rbac(shop, "-c", "dev")

    kinds = [
        (one["kind"], one["metadata"].get("namespace")) for one in yaml.safe_load_all(ended.out)
    ]
    assert kinds == [
        ("Role", "kube-system"),
        ("RoleBinding", "kube-system"),
        ("Role", "shop"),
        ("RoleBinding", "shop"),
    ]
    assert ended.code == 0
    assert "note: roles are among what is delivered" in ended.err


def test_the_account_can_be_another_one(shop: LocalFleet) -> None:
    ended = rbac(shop, "-c", "dev", "--account", "ops/robot", "-o", "json")

    (subject,) = orjson.loads(ended.out)["items"][1]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "robot", "namespace": "ops"}


def test_a_cluster_that_gets_nothing_takes_no_more_than_to_say_which_it_is(
    shop: LocalFleet,
) -> None:
    ended = rbac(shop, "-c", "eu-1", "-o", "name")

    assert ended.out.splitlines() == [
        "role.rbac.authorization.k8s.io/kube-system/shoal-acme",
        "rolebinding.rbac.authorization.k8s.io/kube-system/shoal-acme",
    ]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "name the cluster with -c: one of dev"),
        (("-c", "dve"), 4, "there is no cluster dve; did you mean dev?"),
        (("-c", "dev", "--account", "shoal"), 2, "is not NAMESPACE/NAME"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    shop: LocalFleet, words: tuple[str, ...], code: int, says: str
) -> None:
    ended = rbac(shop, *words)

    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err


def test_what_cannot_be_rendered_grants_nothing(shop: LocalFleet) -> None:
    shop.put(broken="kind: [")
    commit(shop)
    ended = rbac(shop, "-c", "dev")

    assert (ended.code, ended.out) == (3, "")
    assert "broken.yaml" in ended.err


@pytest.mark.parametrize(
    ("gives", "words"),
    [
        (lambda: 1 / 0, "failed for cluster dev: ZeroDivisionError"),
        (lambda: ["*"], "gave a wrong answer for cluster dev: list where Grants belongs"),
    ],
)
def test_a_target_type_that_breaks_is_named(
    shop: LocalFleet, monkeypatch: pytest.MonkeyPatch, gives: Callable[[], object], words: str
) -> None:
    monkeypatch.setattr(KubernetesTarget, "grants", lambda *given: gives())

    ended = rbac(shop, "-c", "dev")

    assert (ended.code, ended.out) == (Ending.FAILED, "")
    assert f"target kubernetes (shoal {__version__}) {words}" in ended.err
