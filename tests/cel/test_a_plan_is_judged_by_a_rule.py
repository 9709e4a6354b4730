"""The gate `cel`: what its rule sees, when it lets a plan pass, and what it says when not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shoal.composition.loading import load_plugins
from shoal.documents import load
from shoal.hooks.gates import Operations, Proposal
from shoal.model.facts import DocumentFacts
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Plan
from shoal.testing.hosts import make_host
from shoal_plugins.cel.gate import CelGate, CelSpec

TARGET = TargetKey(Ref("shop", "web"), "eu-1")
WEB = ObjectKey("apps", "Deployment", "shop", "web")
OLD = ObjectKey("", "Namespace", "", "old")
CHANGES = (
    Change(OLD, Action.DELETE, "a", None, "removed from Git"),
    Change(WEB, Action.UPDATE, "a", "b", "changed in Git"),
)
FRIDAY = datetime(2026, 1, 2, 15, 30, tzinfo=UTC)
HEAD = "apiVersion: shoal.dev/v1alpha1\n"


def patch_of(key: ObjectKey) -> Operations | None:
    if key != WEB:
        return None
    return [
        {"op": "test", "path": "/spec/replicas", "value": 3},
        {"op": "replace", "path": "/spec/replicas", "value": 0},
    ]


async def answer(folder: Path, allow: str, message: str = "", **more: object) -> str | None:
    proposal = Proposal(
        plan=Plan(TARGET, CHANGES),
        revision="abc",
        cluster=DocumentFacts("eu-1", {"tier": "prod"}, {"size": 3}),
        now=FRIDAY,
        labels={"team": "shop"},
        patch_of=patch_of,
    )
    spec = CelSpec(allow=allow, message=message)
    return await CelGate().evaluate(spec, proposal, make_host(folder))


@pytest.mark.parametrize(
    "allow",
    [
        "plan.changes.exists(c, c.kind == 'Deployment' && c.group == 'apps')",
        "plan.changes.exists(c, c.action == 'update') && plan.changes[0].action == 'delete'",
        "plan.changes.all(c, c.namespace in ['shop', ''] && c.name != '' && c.cause != '')",
        "counts.delete == 1 && counts.create == 0 && counts.handOver == 0 && counts.total == 2",
        "application.name == 'web' && application.namespace == 'shop'",
        "application.labels.team == 'shop' && cluster.labels['tier'] == 'prod'",
        "cluster.name == 'eu-1' && cluster.values.size > 2",
        "now.getDayOfWeek() == 5 && now.getHours() >= 15",
        "plan.revision == 'abc' && size(plan.hash) > 0",
        "plan.changes.exists(c, has(c.patch) && c.patch.exists(p, p.path == '/spec/replicas' "
        "&& p.value == 0))",
        "!plan.changes.exists(c, c.kind == 'Namespace' && has(c.patch))",
        "plan.changes.all(c, !has(c.patch) || c.patch.all(p, p.value != 3))",
    ],
)
async def test_a_rule_sees_plan_application_cluster_counts_and_time(
    tmp_path: Path, allow: str
) -> None:
    assert await answer(tmp_path, allow) is None


async def test_a_rule_that_is_not_true_says_its_message(tmp_path: Path) -> None:
    allow = "!plan.changes.exists(c, c.kind == 'Namespace')"

    assert await answer(tmp_path, allow, "namespaces stay") == "namespaces stay"
    assert await answer(tmp_path, allow) == f"its rule is not true: {allow}"


@pytest.mark.parametrize(
    ("allow", "why"),
    [
        ("cluster.labels.region == 'eu'", "there is no field region"),
        ("counts.total", "it gives a number, and true or false is needed"),
        ("cluster.values.size == 'x' + 1", "Unsupported operation: string + int"),
    ],
)
async def test_a_rule_that_cannot_be_evaluated_refuses(
    tmp_path: Path, allow: str, why: str
) -> None:
    assert await answer(tmp_path, allow) == (
        f"its rule cannot be evaluated, so nothing is written: {why}"
    )


def test_a_rule_is_checked_when_its_document_is_read() -> None:
    text = (
        f"{HEAD}kind: Application\nmetadata: {{name: web}}\nspec:\n"
        "  source: {git: {url: https://git.example.com/a.git}}\n"
        "  placement: {clusterSelector: {}}\n"
        "  gates:\n"
        "  - cel:\n"
        "      allow: |\n"
        "        counts.total < 5 &&\n"
        "          plann.changes.size() > 0\n"
        "  - cell: {allow: 'true'}\n"
        "  - cel: {}\n"
        "  - cel: {allow: 'true', alow: x}\n"
    )
    fleet = f"{HEAD}kind: Fleet\nmetadata: {{name: acme}}\n"

    loaded = load({"a.yaml": text.encode(), "fleet.yaml": fleet.encode()}, load_plugins().seams)

    assert [problem.as_text() for problem in loaded.problems] == [
        "a.yaml:9: spec.gates[0].cel.allow: line 2, column 3 of the expression: there is no "
        "variable plann; did you mean plan?",
        "a.yaml:12: spec.gates[1].cell: not the name of a gate plugin (expected cel)",
        "a.yaml:13: spec.gates[2].cel.allow: required field is missing (expected a CEL expression "
        "that is true for a plan that may be carried out)",
        "a.yaml:14: spec.gates[3].cel.alow: unknown field (expected one of allow, message; "
        "did you mean allow?)",
    ]
