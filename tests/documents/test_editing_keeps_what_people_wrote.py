"""What is added to a document is all that changes in it; else nothing is written."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shoal.documents import Identity
from shoal.documents.editing import with_items
from shoal.errors import InvalidDocument
from shoal.model.yaml import read_yaml

WEB = Identity("Application", "default", "web")
RULES = [{"target": {"kind": "Deployment"}, "path": "/spec/replicas"}]
IGNORE = ("spec", "sync", "ignore")
HEAD = "# who: the shop team\nkind: Application\nmetadata: {name: web}  # the shop\nspec:\n"


def added(text: str) -> str:
    return with_items(text, WEB, IGNORE, RULES)


def test_a_list_that_is_there_grows_at_its_end() -> None:
    text = (
        f"{HEAD}  sync:\n    # left to the autoscaler\n    ignore:\n"
        "      - target: {kind: Service}  # why not\n        path: /spec/type\n"
        "    prune: Never\n  # the end\n"
    )

    assert added(text) == (
        f"{HEAD}  sync:\n    # left to the autoscaler\n    ignore:\n"
        "      - target: {kind: Service}  # why not\n        path: /spec/type\n"
        "      - target:\n          kind: Deployment\n        path: /spec/replicas\n"
        "    prune: Never\n  # the end\n"
    )


def test_a_list_whose_items_are_not_indented_grows_as_it_is() -> None:
    text = f"{HEAD}  sync:\n    ignore:\n    - target: {{}}\n      path: /a\n    prune: Never\n"

    assert added(text).splitlines()[7:10] == [
        "      path: /a",
        "    - target:",
        "        kind: Deployment",
    ]


def test_what_is_missing_is_made_where_it_belongs() -> None:
    text = f"{HEAD}  sync:\n    prune: Never  # for now\n  placement: {{clusterSelector: {{}}}}\n"

    assert added(text) == (
        f"{HEAD}  sync:\n    prune: Never  # for now\n"
        "    ignore:\n    - target:\n        kind: Deployment\n      path: /spec/replicas\n"
        "  placement: {clusterSelector: {}}\n"
    )
    assert "  sync:\n    ignore:\n" in added(f"{HEAD}  placement: {{}}\n")


def test_a_file_without_a_last_line_end_gets_one() -> None:
    assert added(f"{HEAD}  placement: {{}}").startswith(f"{HEAD}  placement: {{}}\n  sync:\n")


def test_what_is_added_means_the_same_to_the_reader_of_kubernetes() -> None:
    items = [{"value": text} for text in ("y", "08", "1e3", "on", "12:30", "a\n b\n")]

    changed = with_items(f"{HEAD}  placement: {{}}\n", WEB, ("spec", "overrides"), items)

    assert read_yaml(changed.encode())[0].value["spec"]["overrides"] == items


def test_only_the_document_that_is_meant_changes() -> None:
    other = "kind: Application\nmetadata: {name: web, namespace: shop}\nspec:\n  sync: {}\n"

    text = added(f"{other}---\n{HEAD}  placement: {{}}\n---\nkind: Fleet\nmetadata: {{name: x}}\n")

    assert text.startswith(f"{other}---\n{HEAD}  placement: {{}}\n  sync:\n")
    assert text.endswith("---\nkind: Fleet\nmetadata: {name: x}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}  sync: {{prune: Never}}\n",
        f"{HEAD}  sync: {{ignore: []}}\n",
        f"{HEAD}  sync:\n    ignore: []\n",
        f"{HEAD}  sync:\n    ignore: &rules\n      - {{target: {{}}, path: /a}}\n  again: *rules\n",
        "kind: Application\nmetadata: {name: web}\nspec: {sync: {}}\n",
        f"{HEAD}  sync: hello\n",
        f"{HEAD}  sync:\n",
    ],
)
def test_a_style_that_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument, match="nothing can be added to safely") as error:
        added(text)
    assert error.value.next_step == "add it by hand"


@pytest.mark.parametrize(
    "text", ["", "kind: Application\nmetadata: {name: api}\n", "{", "- 1\n", "kind: [\n"]
)
def test_a_document_that_is_not_there_is_said(text: str) -> None:
    with pytest.raises(InvalidDocument, match="no Application default/web in this file"):
        added(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab: #'\n-", max_size=5),
    lambda below: (
        st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("abc"), below, max_size=2)
    ),
    max_leaves=6,
)
SPECS = st.fixed_dictionaries(
    {"a": VALUES},
    optional={
        "sync": st.fixed_dictionaries(
            {}, optional={"x": VALUES, "ignore": st.lists(VALUES, min_size=1), "z": VALUES}
        ),
        "b": VALUES,
    },
)


@given(SPECS, st.sampled_from([2, 4]), st.booleans())
def test_whatever_is_written_means_the_old_and_the_addition(
    spec: dict[str, object], indent: int, is_first: bool
) -> None:
    document = {"kind": "Application", "metadata": {"name": "web"}, "spec": spec}
    documents = [document, {"kind": "Fleet"}] if is_first else [{"kind": "Fleet"}, document]
    text = yaml.safe_dump_all(documents, indent=indent, sort_keys=False)

    try:
        changed = added(text)
    except InvalidDocument:
        return

    found = list(yaml.safe_load_all(changed))[0 if is_first else 1]
    before = (spec.get("sync") or {}).get("ignore") or []  # type: ignore[attr-defined]  # a dict
    assert found["spec"]["sync"]["ignore"] == [*before, *RULES]
    assert set(text.splitlines()) <= set(changed.splitlines())
