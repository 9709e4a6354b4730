"""The JSON Schema for editors agrees with validation, over all documents that we show."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from tests.docs.pages import PAGES, blocks_of, plugins_of_pages

from shoal.documents.schema import EVERY_KIND, schema_of, schemas
from shoal.documents.validating import validate
from shoal.documents.yaml_reading import ReadDocument, read_documents
from shoal.errors import UnknownName
from shoal.model.choice import Seams
from shoal.model.documents import KINDS
from shoal.model.yaml import Path as Steps
from shoal_clusters.demo.fleet import fleet_files

HEAD = "apiVersion: shoal.dev/v1alpha1\n"
REFUSED = {
    "an unknown kind": "kind: Clustr\nmetadata: {name: a}\n",
    "another version": "apiVersion: shoal.dev/v1\nkind: Fleet\nmetadata: {name: a}\n",
    "no name": "kind: Fleet\nmetadata: {}\n",
    "a name that is none": "kind: Fleet\nmetadata: {name: A_B}\n",
    "a namespace where there is none": "kind: Fleet\nmetadata: {name: a, namespace: b}\n",
    "no duration": "kind: Fleet\nmetadata: {name: a}\nspec: {removalGracePeriod: soon}\n",
    "an empty duration": "kind: Fleet\nmetadata: {name: a}\nspec: {removalGracePeriod: ''}\n",
    "no plugin": "kind: Source\nmetadata: {name: a}\nspec: {interval: 1m}\n",
    "an unknown plugin": "kind: Source\nmetadata: {name: a}\nspec: {gti: {url: ../a}}\n",
    "a plugin without what it needs": "kind: Source\nmetadata: {name: a}\nspec: {git: {}}\n",
    "two revisions": "kind: Source\nmetadata: {name: a}\n"
    "spec: {git: {url: ../a, branch: main, tag: v1}}\n",
    "a prefix without versions": "kind: Source\nmetadata: {name: a}\n"
    "spec: {git: {url: ../a, tagPrefix: v}}\n",
    "two ways of access": "kind: Cluster\nmetadata: {name: a}\n"
    "spec: {access: {kubeconfig: {path: x}, other: {}}}\n",
    "too much at once": "kind: Cluster\nmetadata: {name: a}\n"
    "spec: {access: {kubeconfig: {path: x}}, limits: {requestsInFlight: 1000}}\n",
    "true for a number": "kind: Cluster\nmetadata: {name: a}\n"
    "spec: {access: {kubeconfig: {path: x}}, limits: {requestsInFlight: true}}\n",
    "text for a number": "kind: Cluster\nmetadata: {name: a}\n"
    "spec: {access: {kubeconfig: {path: x}}, limits: {requestsInFlight: '4'}}\n",
}
APPLICATION = (
    "kind: Application\nmetadata: {name: a}\n"
    "spec: {placement: {clusterSelector: {}}, source: {%s}, %s}\n"
)
SOURCES = {"a source twice": "ref: a, git: {url: ../a}", "no source at all": "path: a"}
PARTS = {
    "an unknown policy": "sync: {whenDrifted: Corect}",
    "a path to nothing": "sync: {ignore: [{target: {}, path: spec}]}",
    "In without values": "overrides: [{clusterSelector: "
    "{matchExpressions: [{key: a, operator: In}]}}]",
    "Exists with values": "overrides: [{clusterSelector: "
    "{matchExpressions: [{key: a, operator: Exists, values: [b]}]}}]",
    "add without a value": "overrides: [{clusterSelector: {}, patches: "
    "[{target: {}, operations: [{op: add, path: /a}]}]}]",
    "move from nowhere": "overrides: [{clusterSelector: {}, patches: "
    "[{target: {}, operations: [{op: move, path: /a}]}]}]",
    "an image that stays": "overrides: [{clusterSelector: {}, images: [{name: a}]}]",
    "no operations": "overrides: [{clusterSelector: {}, patches: [{target: {}, operations: []}]}]",
}
BAD = {
    **REFUSED,
    **{what: APPLICATION % (source, "sync: {}") for what, source in SOURCES.items()},
    **{what: APPLICATION % ("ref: a", part) for what, part in PARTS.items()},
}
# What only validation knows: which text is a rule, an address, a version, an image.
ONLY_VALIDATION = {
    "allow",
    "healthy",
    "progressing",
    "degraded",
    "message",
    "url",
    "branch",
    "secretRef",
}


@pytest.fixture(scope="module")
def seams() -> Seams:
    return plugins_of_pages().seams


@pytest.fixture(scope="module")
def every_kind(seams: Seams) -> Draft7Validator:
    found = schema_of(None, seams)
    Draft7Validator.check_schema(found)
    return Draft7Validator(found)


@pytest.fixture(scope="module")
def shown() -> list[ReadDocument]:
    """Every document of Shoal in the pages and in the demo."""
    blocks = (block for page in PAGES for block in blocks_of(page))
    texts = {block.place: block.text.encode() for block in blocks if block.language == "yaml"}
    texts |= fleet_files("https://git.example.org/apps.git", {"dev": Path("/kubeconfig")})
    read = (each for name, text in texts.items() for each in read_documents(name, text).documents)
    return [each for each in read if is_ours(each.value)]


def is_ours(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("kind") in KINDS


def test_every_document_that_we_show_is_accepted(
    every_kind: Draft7Validator, shown: list[ReadDocument], seams: Seams
) -> None:
    by_kind = {name: Draft7Validator(each) for name, each in schemas(seams).items()}

    told = {f"{each.file}:{each.line}": errors(every_kind, each.value) for each in shown}
    own = [errors(by_kind[str(each.value["kind"]).lower()], each.value) for each in shown]

    assert {where: found for where, found in told.items() if found} == {}
    assert not any(own)
    assert len(shown) > 30


def test_what_is_spoilt_in_them_is_refused_by_both_or_by_none(
    every_kind: Draft7Validator, shown: list[ReadDocument], seams: Seams
) -> None:
    differing = []
    for each, where, spoilt in spoilt_places(shown):
        read = ReadDocument(each.file, replace(each.document, value=spoilt))
        is_valid = not isinstance(validate(read, str(each.value["kind"]), seams), list)
        if is_valid != (not errors(every_kind, spoilt)) and not ONLY_VALIDATION & {*where}:
            differing.append((each.file, where, is_valid))

    assert differing == []


@pytest.mark.parametrize("text", BAD.values(), ids=list(BAD))
def test_what_validation_refuses_is_refused(
    every_kind: Draft7Validator, seams: Seams, text: str
) -> None:
    head = "" if text.startswith("apiVersion") else HEAD
    (read,) = read_documents("a.yaml", (head + text).encode()).documents
    kind = str(read.value["kind"])

    assert errors(every_kind, read.value)
    assert kind not in KINDS or "v1\n" in text or isinstance(validate(read, kind, seams), list)


def test_an_error_is_told_where_it_is(every_kind: Draft7Validator) -> None:
    value = {
        "apiVersion": "shoal.dev/v1alpha1",
        "kind": "Fleet",
        "metadata": {"name": "a"},
        "spec": {"removalGracePriod": "5m"},
    }

    (error,) = every_kind.iter_errors(value)

    assert list(error.absolute_path) == ["spec"]
    assert "removalGracePriod" in error.message


def test_every_field_says_what_it_is_for(seams: Seams) -> None:
    definitions = schema_of(None, seams)["definitions"]
    silent = [
        f"{name}.{field}"
        for name, each in definitions.items()
        for field, part in each.get("properties", {}).items()
        if not (part.get("description") or "const" in part or says(part, definitions))
    ]

    assert silent == []


def says(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    name = str(part.get("$ref", "")).rpartition("/")[2]
    return bool(definitions.get(name, {}).get("description"))


def test_durations_are_written_as_people_write_them(seams: Seams) -> None:
    interval = schema_of("source", seams)["definitions"]["SourceSpec"]["properties"]["interval"]

    assert interval["default"] == "1m"
    assert all(re.search(interval["pattern"], text) for text in ("1h30m", "7d"))
    assert not re.search(interval["pattern"], "1w")


def test_a_schema_of_one_kind_holds_what_it_needs_and_no_more(seams: Seams) -> None:
    found = schemas(seams)

    assert set(found) == {EVERY_KIND, *(kind.lower() for kind in KINDS)}
    assert "ApplicationSpec" not in found["cluster"]["definitions"]
    assert "ClusterSpec" in found["cluster"]["definitions"]


def test_without_plugins_there_is_a_schema_that_can_be_checked() -> None:
    Draft7Validator.check_schema(schema_of(None, {}))


def test_an_unknown_kind_is_told_with_the_nearest(seams: Seams) -> None:
    with pytest.raises(UnknownName, match="did you mean Cluster"):
        schema_of("clustr", seams)


def errors(validator: Draft7Validator, value: Any) -> list[str]:
    plain = json.loads(json.dumps(value))
    return [f"{each.json_path}: {each.message[:200]}" for each in validator.iter_errors(plain)]


def spoilt_places(
    shown: list[ReadDocument],
) -> Iterator[tuple[ReadDocument, Steps, Any]]:
    """Every way to spoil a document, once for all documents that have the same place."""
    seen = set()
    for each in shown:
        for number, (where, spoilt) in enumerate(spoils(each.value)):
            place = (each.value["kind"], where, number if not where else 0)
            if place not in seen:
                seen.add(place)
                yield each, where, spoilt


def spoils(value: Any) -> Iterator[tuple[Steps, Any]]:
    """The document with one thing wrong: a field too many, one too few, a value of another type."""
    for where, part in places(value):
        if isinstance(part, dict):
            yield where, changed(value, where, {**part, "noSuchField": "x"})
        for key in part if isinstance(part, dict) else ():
            yield (*where, key), changed(value, where, {k: v for k, v in part.items() if k != key})
        if where:
            yield where, changed(value, where, [[]])


def places(value: Any, where: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    yield where, value
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for step, below in items:
        yield from places(below, (*where, step))


def changed(value: Any, where: Steps, part: Any) -> Any:
    if not where:
        return part
    made = copy.deepcopy(value)
    inside = made
    for step in where[:-1]:
        inside = inside[step]
    inside[where[-1]] = part
    return made
