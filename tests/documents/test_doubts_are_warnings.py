"""What is valid and probably not meant is said with its line, and stops nothing."""

from __future__ import annotations

import pytest
from tests.documents.conftest import HEAD, Load

CLUSTERS = "".join(
    f"---\n{HEAD}kind: Cluster\nmetadata: {{name: {name}, labels: {{env: {env}}}}}\n"
    "spec: {access: {kubeconfig: {}}}\n"
    for name, env in (("dev", "dev"), ("prod", "prod"))
)
EVERYWHERE = "{}"
DEV, PROD = "{matchLabels: {env: dev}}", "{matchLabels: {env: prod}}"


def application(
    name: str = "web", *, sync: str = "", selector: str = EVERYWHERE, depends: str = ""
) -> str:
    return (
        f"---\n{HEAD}kind: Application\nmetadata: {{name: {name}}}\nspec:\n"
        "  source: {git: {url: x}, path: web}\n"
        f"  placement: {{clusterSelector: {selector}}}\n"
        + (f"  sync: {sync}\n" if sync else "")
        + (f"  dependsOn: {depends}\n" if depends else "")
    )


def warnings(read: Load, *documents: str) -> list[str]:
    loaded = read({"a.yaml": "".join(documents) + CLUSTERS})
    assert loaded.problems == ()
    return [each.as_text().removeprefix("a.yaml:") for each in loaded.warnings]


@pytest.mark.parametrize(
    "sync",
    [
        "",
        "{whenDrifted: Report, whenFieldsAdded: Report}",
        "{whenDrifted: Report, whenFieldsAdded: Remove}",
        "{preset: careful}",
        "{preset: automatic}",
        "{preset: careful, whenDrifted: Correct}",
        "{whenAlreadyExists: Adopt, prune: Never}",
        "{whenAlreadyExists: AdoptIfNoDiff}",
        "{failure: AllOrNothing}",
        "{validation: Never}",
        "{mode: Observe}",
        "{mode: Observe, ignore: [{target: {kind: Deployment}, path: /spec/replicas}]}",
        "{mode: Observe, preset: careful}",
        "{prune: AfterApply}",
    ],
)
def test_what_may_well_be_meant_is_no_doubt(read: Load, sync: str) -> None:
    assert warnings(read, application(sync=sync)) == []


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        ("{whenDrifted: Report}", "spec.sync.whenDrifted: edits are only reported"),
        (
            "{preset: careful, whenFieldsAdded: Remove, whenAlreadyExists: Adopt}",
            "spec.sync.whenAlreadyExists: Adopt overwrites",
        ),
        (
            "{failure: AllOrNothing, validation: Never}",
            "spec.sync.validation: validation Never is of no effect",
        ),
        (
            "{preset: careful, validation: Never}",
            "spec.sync.validation: validation Never is of no effect",
        ),
        ("{mode: Observe, prune: Never}", "spec.sync.prune: prune: of no effect"),
        (
            "{mode: Observe, whenDrifted: Report, failure: AllOrNothing}",
            "spec.sync.failure: failure, whenDrifted: of no effect",
        ),
        (
            "{ignore: [{target: {}, path: /spec}]}",
            "spec.sync.ignore[0].path: /spec is all that such an object says",
        ),
        (
            "{preset: careful, failure: BestEffort, validation: Never, whenDrifted: Correct, "
            "whenFieldsAdded: Keep}",
            "spec.sync.preset: preset careful says nothing",
        ),
    ],
)
def test_a_doubt_says_where_why_and_what_to_do(read: Load, sync: str, said: str) -> None:
    (warning,) = warnings(read, application(sync=sync))

    line, _, text = warning.partition(": ")
    assert line == "8"
    assert text.startswith(said)
    assert "; " in text


def test_a_document_with_a_doubt_is_used(read: Load) -> None:
    loaded = read({"a.yaml": application(sync="{whenDrifted: Report}") + CLUSTERS})

    assert any(each.kind == "Application" for each in loaded.documents)


def test_a_placement_that_selects_nothing_is_doubted(read: Load) -> None:
    nowhere = application(selector="{matchLabels: {env: prd}}")

    assert "so it is placed nowhere" in warnings(read, nowhere)[0]


def test_a_fleet_without_clusters_yet_is_no_reason_to_doubt_placements(read: Load) -> None:
    assert read({"a.yaml": application(selector=DEV)}).warnings == ()


def test_a_dependency_on_other_clusters_is_doubted(read: Load) -> None:
    web = application(selector=DEV, depends="[{application: api}]")

    (warning,) = warnings(read, web, application("api", selector=PROD))

    assert "spec.dependsOn[0]: of no effect: default/api is on none of the clusters" in warning
    assert warnings(read, web, application("api")) == []


def test_a_dependency_that_is_only_observed_is_doubted(read: Load) -> None:
    web = application(depends="[{application: api}]")

    (warning,) = warnings(read, web, application("api", sync="{mode: Observe}"))

    assert "default/api is only observed" in warning


def test_doubts_are_sorted_by_file_and_line(read: Load) -> None:
    doubtful = application(sync="{whenDrifted: Report}")
    files = {
        name: doubtful.replace("name: web", f"name: {name[0]}") for name in ("b.yaml", "a.yaml")
    }

    assert [each.file for each in read(files).warnings] == ["a.yaml", "b.yaml"]
