"""`explain`: what may be written at a path, from the models that validation holds to."""

from __future__ import annotations

import pytest
from tests.documents.conftest import SEAMS

from shoal.composition.loading import load_plugins
from shoal.documents.explaining import explain
from shoal.documents.walking import fields_of
from shoal.errors import UnknownName
from shoal.model.documents import KINDS
from shoal.model.policies import PRESETS, SyncPolicy


def names(path: str) -> list[str]:
    return [field.name for field in explain(path, SEAMS).fields]


def test_a_policy_has_its_values_its_default_and_its_words() -> None:
    page = explain("application.spec.sync", SEAMS)

    prune = next(field for field in page.fields if field.name == "prune")
    assert (prune.type, prune.default, prune.required) == (
        "AfterHealthy | AfterApply | Never",
        "AfterHealthy",
        False,
    )
    assert prune.description.startswith("When objects that left Git are deleted")
    assert {field.name for field in page.fields} == set(fields_of(SyncPolicy))


def test_a_default_is_told_as_a_document_has_it() -> None:
    fields = {field.name: field.default for field in explain("alert.spec", {}).fields}

    assert fields["events"] == "[Failed, Degraded, Held, Drifted, Unreachable, Invalid]"
    assert (fields["groupBy"], fields["groupFor"]) == ("[Event]", "30s")


def test_presets_are_told_where_they_can_be_written() -> None:
    told = explain("application.spec.sync", SEAMS).presets

    assert told == {
        preset.value: {name: str(value) for name, value in said.items()}
        for preset, said in PRESETS.items()
    }
    assert explain("application.spec", SEAMS).presets == {}


def test_the_key_of_a_plugin_leads_to_its_own_fields() -> None:
    assert names("application.spec.source") == ["ref", "git", "oci", "path"]
    assert names("application.spec.source.git") == ["url", "branch", "depth", "secretRef"]
    assert names("application.spec.source.git.secretRef") == ["name"]
    assert names("cluster.spec.access") == ["kubeconfig"]


def test_lists_and_mappings_are_stepped_over() -> None:
    assert names("application.spec.overrides[].patches[].operations[]") == [
        "op",
        "path",
        "from",
        "value",
    ]
    assert explain("cluster.spec.values", SEAMS).type == "mapping to anything"


def test_a_field_that_has_no_fields_is_told_too() -> None:
    page = explain("source.spec.interval", SEAMS)

    assert (page.type, page.fields) == ("duration", [])
    assert "How often to look" in page.description


@pytest.mark.parametrize("kind", ["application", "Application", "APPLICATION"])
def test_the_case_of_a_kind_does_not_count(kind: str) -> None:
    assert explain(kind, SEAMS).path == "application"


@pytest.mark.parametrize(
    ("path", "said", "near"),
    [
        ("aplication", "there is no kind aplication", "Application"),
        ("application.spec.snyc", "no field application.spec.snyc", "application.spec.sync"),
        ("application.spec.source.gti", "no field", "application.spec.source.git"),
    ],
)
def test_an_unknown_path_is_told_with_what_was_meant(path: str, said: str, near: str) -> None:
    with pytest.raises(UnknownName, match=said) as error:
        explain(path, SEAMS)
    assert f"did you mean {near}?" in error.value.message


@pytest.mark.parametrize("path", ["", ".", "[]"])
def test_no_path_at_all_tells_the_kinds(path: str) -> None:
    with pytest.raises(UnknownName) as error:
        explain(path, SEAMS)
    assert "Application" in error.value.next_step


def test_every_field_of_every_document_has_a_page_and_words() -> None:
    seams = load_plugins().seams

    def walk(path: str) -> int:
        page = explain(path, seams)
        assert page.description or path.endswith(("apiVersion", "kind")), path
        return 1 + sum(walk(f"{path}.{field.name}") for field in page.fields)

    assert sum(walk(kind.lower()) for kind in KINDS) > 100


def below(path: str) -> list[tuple[str, str, str]]:
    """Path, type and description of every field below a path, those of our plugins too."""
    found = []
    for field in explain(path, OURS).fields:
        inner = f"{path}.{field.name}"
        found += [(inner, field.type, field.description), *below(inner)]
    return found


OURS = load_plugins().seams
EMPTY = {
    "cluster.spec.access.inCluster",
    "application.spec.render.plain",
    "application.spec.render.kustomize",
}
"""Plugins that take no parameters."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_at_every_depth_says_what_it_is_for(kind: str) -> None:
    for path, type_, description in below(kind.lower()):
        assert description, path
        is_told = type_ != "object" or explain(path, OURS).fields or path in EMPTY
        assert is_told, path
