"""A document with a mistake in it is told, with its place; every other one counts as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shoal.composition.loading import load_plugins
from shoal.documents import Identity, Loaded
from shoal.documents.loading import load

HEAD = "apiVersion: shoal.dev/v1alpha1\n"
GOOD = f"""\
{HEAD}kind: Fleet
metadata: {{name: test}}
---
{HEAD}kind: Cluster
metadata: {{name: dev}}
spec: {{access: {{kubeconfig: {{path: a}}}}}}
---
{HEAD}kind: Source
metadata: {{name: apps}}
spec: {{git: {{url: 'https://git.example.com/a'}}}}
---
{HEAD}kind: Application
metadata: {{name: good}}
spec: {{source: {{ref: apps}}, placement: {{clusterSelector: {{}}}}}}
"""
SOURCES = {
    "a duration that is none": "interval: soon",
    "a duration beyond all dates": "interval: 99999999999h",
    "a duration of no time": "interval: 0s",
    "a number for a duration": "interval: 1e999",
    "a plugin that is not there": "svn: {url: a}",
    "an address that is none": "git: {url: '--upload-pack=x'}",
}
APPLICATIONS = {
    "an expression that is none": "health: [{target: {kind: A}, healthy: 'object.'}]",
    "an expression over what is not there": "health: [{target: {kind: A}, healthy: 'plan.x'}]",
    "a gate that is none": "gates: [{cel: {allow: '((('}}]",
    "a policy that is none": "sync: {whenDrifted: Perhaps}",
    "an operation that is none": "overrides: [{clusterSelector: {}, patches: [{operations: 5}]}]",
    "a selector that is none": "placement: {clusterSelector: {matchExpressions: [{key: a}]}}",
    "values without end": "render: {helm: {values: &v {a: *v}}}",
    "a key that is a list": "render: {helm: {values: {? [a] : b}}}",
    "a number of thousands of digits": f"suspend: {'9' * 5000}",
    "something that nobody knows": "wish: granted",
}


@pytest.fixture(scope="module")
def read() -> Callable[[str], Loaded]:
    seams = load_plugins().seams
    return lambda bad: load({"all.yaml": f"{GOOD}---\n{bad}".encode()}, seams)


def source(part: str) -> str:
    git = "" if "git:" in part or "svn:" in part else "\n  git: {url: 'https://git.example.com/b'}"
    return f"{HEAD}kind: Source\nmetadata: {{name: bad}}\nspec:{git}\n  {part}\n"


def application(part: str) -> str:
    placement = "" if "placement" in part else "\n  placement: {clusterSelector: {}}"
    spec = f"spec:\n  source: {{ref: apps}}{placement}\n  {part}\n"
    return f"{HEAD}kind: Application\nmetadata: {{name: bad}}\n{spec}"


BAD = {
    **{name: source(part) for name, part in SOURCES.items()},
    **{name: application(part) for name, part in APPLICATIONS.items()},
    "a document without a kind": f"{HEAD}metadata: {{name: bad}}\n",
    "a document that is cut off": f"{HEAD}kind: Application\nmetadata: {{name: b",
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_told_and_the_other_documents_count(
    name: str, read: Callable[[str], Loaded]
) -> None:
    loaded = read(BAD[name])

    found = {each for each in loaded.documents if each.name != "bad"}
    assert Identity("Application", "default", "good") in found
    assert len(found) == 4
    assert loaded.problems
    assert all(each.line > GOOD.count("\n") for each in loaded.problems)
