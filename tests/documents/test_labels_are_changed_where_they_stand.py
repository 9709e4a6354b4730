"""A label is set or taken away in the text that people wrote, and nothing else of it changes."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.documents import Identity
from shoal.documents.labelling import cut, with_labels
from shoal.errors import InvalidDocument
from shoal.model.yaml import read_yaml

DEV = Identity("Cluster", "", "dev")
HEAD = "# who: the shop team\nkind: Cluster\n"
TAIL = "spec: {access: {kubeconfig: {path: x}}}  # as ever\n"
BLOCK = (
    f"{HEAD}metadata:\n  name: dev  # the first\n  labels:\n    # where it is\n"
    f"    env: dev\n    region: eu  # near\n\n{TAIL}"
)
FLOW = f"{HEAD}metadata: {{name: dev, labels: {{env: dev, region: eu}}}}  # all of it\n{TAIL}"


@pytest.mark.parametrize("text", [BLOCK, FLOW])
def test_a_value_is_replaced_where_it_stands(text: str) -> None:
    assert with_labels(text, DEV, {"env": "prod"}) == text.replace("env: dev", "env: prod")


def test_a_label_is_added_in_the_style_that_is_there() -> None:
    assert with_labels(BLOCK, DEV, {"tier": "gold"}) == BLOCK.replace(
        "region: eu  # near\n", "region: eu  # near\n    tier: gold\n"
    )
    assert with_labels(FLOW, DEV, {"tier": "gold"}) == FLOW.replace(
        "region: eu}", "region: eu, tier: gold}"
    )


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("metadata: {name: dev}\n", "metadata: {name: dev, labels: {env: prod}}\n"),
        ("metadata:\n  name: dev\n", "metadata:\n  name: dev\n  labels: {env: prod}\n"),
        ("metadata: {name: dev, labels: {}}\n", "metadata: {name: dev, labels: {env: prod}}\n"),
        (
            "metadata:\n  labels:\n  name: dev\n",
            "metadata:\n  labels: {env: prod}\n  name: dev\n",
        ),
        (
            "metadata:\n  name: dev\n  annotations:\n    a: b\n",
            "metadata:\n  name: dev\n  annotations:\n    a: b\n  labels: {env: prod}\n",
        ),
    ],
)
def test_the_first_label_makes_the_place_for_it(metadata: str, expected: str) -> None:
    text = f"{HEAD}{metadata}{TAIL}"

    assert with_labels(text, DEV, {"env": "prod"}) == f"{HEAD}{expected}{TAIL}"


def test_a_label_is_taken_away_and_the_last_one_with_its_place() -> None:
    assert with_labels(BLOCK, DEV, {"region": None}) == BLOCK.replace(
        "    region: eu  # near\n", ""
    )
    assert "labels: {region: eu}" in with_labels(FLOW, DEV, {"env": None})
    assert "labels: {env: dev}" in with_labels(FLOW, DEV, {"region": None})
    gone = with_labels(FLOW, DEV, {"env": None, "region": None})
    assert "metadata: {name: dev}  # all of it" in gone
    assert with_labels(gone, DEV, {"env": None}) == gone


def test_a_value_that_reads_as_something_else_is_quoted() -> None:
    changed = with_labels(FLOW, DEV, {"a": "yes", "b": "1", "c": "", "d": "1.0", "e.io/x": "y"})

    (document,) = read_yaml(changed.encode())
    labels = document.value["metadata"]["labels"]
    assert [labels[key] for key in ("a", "b", "c", "d", "e.io/x")] == ["yes", "1", "", "1.0", "y"]


def test_only_the_document_that_is_meant_changes() -> None:
    other = "kind: Cluster\nmetadata: {name: prod, labels: {env: dev}}\n"

    changed = with_labels(f"{other}---\n{FLOW}---\n{other}", DEV, {"env": "x"})

    assert changed.startswith(f"{other}---\n{HEAD}")
    assert changed.endswith(f"---\n{other}")
    assert changed.count("env: x") == 1


@pytest.mark.parametrize(
    "metadata",
    [
        "metadata: {name: dev, labels: &l {env: dev}, annotations: *l}\n",
        "metadata:\n  name: dev\n  labels:\n    env: >-\n      dev\n    region: eu\n",
    ],
)
def test_a_style_that_cannot_be_changed_is_refused(metadata: str) -> None:
    text = f"{HEAD}{metadata}{TAIL}"

    with pytest.raises(InvalidDocument, match="cannot be changed safely"):
        with_labels(text, DEV, {"env": "prod", "region": None})


def test_a_document_that_is_not_there_is_said() -> None:
    with pytest.raises(InvalidDocument, match="there is no Cluster prod in this file"):
        with_labels(FLOW, Identity("Cluster", "", "prod"), {"a": "b"})


def test_a_document_is_cut_out_of_its_file() -> None:
    other = "kind: Cluster\nmetadata: {name: prod}\n"

    assert cut(FLOW, DEV) == ""
    assert cut(f"{FLOW}---\n{other}", DEV) == f"---\n{other}"
    assert cut(f"{other}---\n{FLOW}", DEV) == other
    assert cut(f"{other}---\n{FLOW}---\n{other}", DEV) == f"{other}---\n{other}"
    assert cut(f"# ours\n---\n{FLOW}", DEV) == ""


WORDS = st.sampled_from(["a", "b-c", "x.io/y", "1", "yes", "0x1f", "", "null", "1e3", "~"])


@settings(max_examples=60)
@given(
    st.dictionaries(WORDS.filter(bool), WORDS, max_size=3),
    st.dictionaries(WORDS.filter(bool), st.none() | WORDS, max_size=3),
    st.sampled_from([None, True, False]),
)
def test_whatever_is_written_means_the_old_with_the_new_labels(
    before: dict[str, str], labels: dict[str, str | None], style: bool | None
) -> None:
    metadata = {"name": "dev", **({"labels": before} if before else {}), "annotations": {"a": "b"}}
    document = {"kind": "Cluster", "metadata": metadata, "spec": {"access": {}}}
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=style)
    if read_yaml(text.encode())[0].value != document:
        return  # PyYAML writes some words without the quotes that Kubernetes' reader wants

    changed = with_labels(text, DEV, labels)

    (found,) = read_yaml(changed.encode())
    merged = {**before, **labels}
    kept = {key: value for key, value in merged.items() if value is not None}
    assert (found.value["metadata"].get("labels") or {}) == kept
    assert found.value["spec"] == document["spec"]
    assert found.value["metadata"]["annotations"] == {"a": "b"}
