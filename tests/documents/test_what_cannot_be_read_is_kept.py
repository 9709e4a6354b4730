"""The catalog over several readings of the fleet."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shoal.documents import Catalog, Difference, Identity, Loaded, changes, load, merge
from shoal.model.choice import Spec
from shoal.model.documents import SourceSpec
from shoal.model.identity import Ref

Load = Callable[..., Loaded]
HEAD = "apiVersion: shoal.dev/v1alpha1\n"
FLEET = HEAD + "kind: Fleet\nmetadata: {name: shop}\n"
GARBAGE = "a: b: c"


def cluster(name: str, labels: str = "{}") -> str:
    return (
        f"{HEAD}kind: Cluster\nmetadata: {{name: {name}, labels: {labels}}}\n"
        "spec: {access: {kubeconfig: {}}}\n---\n"
    )


def application(name: str, source: str) -> str:
    return (
        f"{HEAD}kind: Application\nmetadata: {{name: {name}}}\n"
        f"spec: {{source: {source}, placement: {{clusterSelector: {{}}}}}}\n---\n"
    )


def merged(previous: Catalog | None, loaded: Loaded) -> Catalog:
    catalog = merge(previous, loaded)
    assert catalog is not None
    return catalog


def test_a_catalog_holds_inline_sources_beside_the_others(read: Load) -> None:
    source = f"{HEAD}kind: Source\nmetadata: {{name: shared}}\nspec: {{oci: {{}}, interval: 5m}}\n"

    catalog = merged(
        None, read({"a.yaml": application("web", "{git: {url: u}}"), "s.yaml": source})
    )

    assert set(catalog.sources) == {Ref("default", "application/web"), Ref("default", "shared")}
    assert catalog.sources[Ref("default", "application/web")].choice.name == "git"
    assert catalog.fleet == "shop"


def test_a_document_that_stops_parsing_keeps_its_last_valid_version(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev") + cluster("prod", "{tier: one}")}))
    broken = cluster("dev", "{tier: two}") + cluster("prod", "{tier: two}").replace("spec", "sepc")

    second = merged(first, read({"a.yaml": broken}))

    assert second.clusters["dev"].metadata.labels == {"tier": "two"}
    assert second.clusters["prod"].metadata.labels == {"tier": "one"}
    assert {str(identity) for identity in second.stale} == {"Cluster prod"}
    assert second.problems


def test_a_file_that_cannot_be_read_keeps_everything_it_had(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev") + cluster("prod")}))

    second = merged(first, read({"a.yaml": GARBAGE}))
    third = merged(second, read({"a.yaml": cluster("dev")}))

    assert set(second.clusters) == {"dev", "prod"}
    assert not changes(first, second)
    assert set(third.clusters) == {"dev"}
    assert third.stale == {}


def test_a_file_that_was_emptied_keeps_what_it_had_and_says_so(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev")}))

    second = merged(first, read({"a.yaml": "\n"}))

    assert set(second.clusters) == {"dev"}
    assert [each.as_text() for each in second.problems] == [
        "a.yaml:1: the file is empty; remove it if its documents are to go"
    ]
    assert merged(first, read({})).clusters == {}


@pytest.mark.parametrize(
    "left",
    [
        *("---\n", "{}", "null", "[]", "apiVersion:", "apiVersion: sh", "apiVersion: shoal.d"),
        *("kind: Clu", "metadata: {name: dev}"),
    ],
)
def test_a_file_that_was_cut_short_keeps_what_it_had_and_says_so(read: Load, left: str) -> None:
    first = merged(None, read({"a.yaml": cluster("dev")}))

    second = merged(first, read({"a.yaml": left}))

    assert set(second.clusters) == {"dev"}
    assert second.problems


@pytest.mark.parametrize("left", ["apiVersion: v1\nkind: ConfigMap\n", "# it was sold\n"])
def test_a_file_that_holds_something_else_now_has_its_documents_no_more(
    read: Load, left: str
) -> None:
    first = merged(None, read({"a.yaml": cluster("dev")}))

    second = merged(first, read({"a.yaml": left}))

    assert second.clusters == {}
    assert second.problems == ()


def test_an_empty_file_that_never_held_a_document_is_no_problem(read: Load) -> None:
    assert merged(None, read({"a.yaml": ""})).problems == ()


def test_a_document_moved_to_a_file_where_it_is_broken_is_kept(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev")}))

    second = merged(first, read({"b.yaml": cluster("dev").replace("spec", "sepc")}))

    assert set(second.clusters) == {"dev"}


def test_a_document_that_stands_twice_keeps_its_last_valid_version(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev", "{tier: one}")}))
    twice = {"a.yaml": cluster("dev", "{tier: two}"), "b.yaml": cluster("dev", "{tier: three}")}

    second = merged(first, read(twice))

    assert second.clusters["dev"].metadata.labels == {"tier": "one"}


def test_a_fleet_that_is_empty_or_has_no_name_changes_nothing(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev")}))

    for loaded in (read({}, fleet=False), read({"a.yaml": cluster("prod")}, fleet=False)):
        second = merged(first, loaded)
        assert second.is_kept
        assert second.problems
        assert not changes(first, second)


def test_a_fleet_that_never_had_a_name_has_no_catalog(read: Load) -> None:
    assert merge(None, read({"a.yaml": cluster("dev")}, fleet=False)) is None


def test_a_broken_fleet_document_keeps_the_name_and_the_others_go_on(read: Load) -> None:
    first = merged(None, read({"a.yaml": cluster("dev")}))

    second = merged(first, read({"fleet.yaml": GARBAGE, "a.yaml": cluster("prod")}, fleet=False))

    assert second.fleet == "shop"
    assert not second.is_kept
    assert set(second.clusters) == {"prod"}


def test_the_name_of_a_fleet_stays_and_the_change_is_told(read: Load) -> None:
    first = merged(None, read({}))

    second = merged(first, read({"fleet.yaml": FLEET.replace("shop", "store")}, fleet=False))

    assert second.fleet == "shop"
    assert "the name of the fleet changed" in second.problems[0].message


def test_the_name_of_a_fleet_stays_over_a_restart(read: Load) -> None:
    renamed = read({"fleet.yaml": FLEET.replace("shop", "store")}, fleet=False)

    again = merge(None, renamed, {}, "shop")

    assert again is not None
    assert again.fleet == "shop"
    assert "the name of the fleet changed" in again.problems[0].message


def test_after_a_restart_what_a_broken_file_held_is_unknown_until_it_is_read(read: Load) -> None:
    dev, prod = Identity("Cluster", "", "dev"), Identity("Cluster", "", "prod")
    remembered = {dev: "a.yaml", prod: "b.yaml"}

    first = merge(None, read({"a.yaml": GARBAGE}), remembered)
    assert first is not None
    second = merged(first, read({"a.yaml": GARBAGE}))
    third = merged(second, read({"a.yaml": cluster("dev")}))

    assert first.unknown == second.unknown == {dev: "a.yaml"}
    assert third.unknown == {}
    assert set(third.clusters) == {"dev"}


def test_what_two_catalogs_differ_in_is_told_by_kind(read: Load) -> None:
    web, api, git = (
        application("web", "{ref: s}"),
        application("api", "{ref: s}"),
        "{git: {url: u}}",
    )
    first = merged(None, read({"a.yaml": cluster("dev") + cluster("prod"), "b.yaml": web}))
    second = merged(
        first,
        read(
            {"a.yaml": "# a comment\n" + cluster("dev") + cluster("prod", "{a: b}"), "b.yaml": api}
        ),
    )
    third = merged(second, read({"b.yaml": application("api", git)}))

    found = changes(first, second)

    assert found.clusters == Difference(changed=frozenset({"prod"}))
    assert found.applications.added == {Ref("default", "api")}
    assert found.applications.removed == {Ref("default", "web")}
    assert changes(second, third).clusters.removed == {"dev", "prod"}
    assert changes(second, third).sources.added == {Ref("default", "application/api")}
    assert changes(None, first).clusters.added == {"dev", "prod"}
    assert not changes(first, first)


class _Empty(Spec):
    """A part without fields."""


NAMES = st.sampled_from(["dev", "staging", "prod", "test"])
CONTENTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sets(NAMES), max_size=3)


def _load(files: dict[str, str]) -> Loaded:
    given = {"fleet.yaml": FLEET, **files}
    return load(
        {file: text.encode() for file, text in given.items()},
        {"access": {"kubeconfig": _Empty}},
    )


def _files(contents: dict[str, set[str]]) -> dict[str, str]:
    return {
        file: "# clusters\n" + "".join(map(cluster, sorted(names)))
        for file, names in contents.items()
    }


@given(CONTENTS, CONTENTS, st.sets(st.sampled_from(["a", "b", "c"])), st.booleans())
@example_settings(max_examples=60)
def test_an_unreadable_file_never_removes_a_document(
    before: dict[str, set[str]], after: dict[str, set[str]], bad: set[str], is_cut: bool
) -> None:
    first = merged(None, _load(_files(before)))
    files = _files(after)
    for file in bad:
        files[file] = files.get(file, "") + "---\n[" if is_cut else GARBAGE

    second = merged(first, _load(files))

    held = {identity for identity, origin in first.origins.items() if origin.file in bad}
    assert held <= second.documents.keys()
    assert merged(second, _load(files)) == second


@given(CONTENTS, CONTENTS)
@example_settings(max_examples=60)
def test_once_everything_can_be_read_the_catalog_is_what_is_written(
    before: dict[str, set[str]], after: dict[str, set[str]]
) -> None:
    damaged = merged(merged(None, _load(_files(before))), _load(dict.fromkeys(before, GARBAGE)))

    healed = _load(_files(after))

    catalog = merged(damaged, healed)
    assert {each for each in catalog.documents if each not in healed.broken} == set(
        healed.documents
    )
    assert all(each in healed.broken for each in catalog.stale)


def test_a_document_is_written_back_as_it_was_read(read: Load) -> None:
    catalog = merged(None, read({"a.yaml": application("web", "{git: {url: u}, path: web}")}))
    written = catalog.applications[Ref("default", "web")].model_dump(mode="json")

    assert written["spec"]["source"] == {"git": {"url": "u"}, "ref": None, "path": "web"}


def test_without_plugins_nothing_is_accepted_unread() -> None:
    with pytest.raises(ValidationError, match="git is not a source plugin"):
        SourceSpec.model_validate({"git": {}})
