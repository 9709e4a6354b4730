"""What people get to read when a document is wrong."""

from collections.abc import Callable

import pytest

from shoal.documents import Identity, Loaded, Problem
from shoal.model.choice import Spec
from shoal.model.policies import SyncPolicy

Load = Callable[..., Loaded]
Told = Callable[..., list[str]]
HEAD = "apiVersion: shoal.dev/v1alpha1\n"
SOURCE = HEAD + "kind: Source\nmetadata: {name: web}\nspec: {git: {url: u}}\n"
CLUSTER = HEAD + "kind: Cluster\nmetadata: {name: prod}\nspec: {access: {kubeconfig: {}}}\n"


def application(source: str = "{ref: web}", more: str = "", name: str = "web") -> str:
    return (
        f"{HEAD}kind: Application\nmetadata: {{name: {name}}}\nspec:\n  source: {source}\n"
        f"  placement: {{clusterSelector: {{}}}}\n{more}"
    )


def _fields(model: type[Spec]) -> str:
    return ", ".join(str(field.alias) for field in model.model_fields.values())


def test_valid_documents_are_found_by_identity_with_their_place(read: Load) -> None:
    loaded = read({"web/a.yaml": f"# web\n{SOURCE}---\n{application()}", "c.yaml": CLUSTER})

    assert loaded.problems == ()
    assert {identity: each.where for identity, each in loaded.documents.items()} == {
        Identity("Fleet", "", "shop"): "fleet.yaml:1",
        Identity("Cluster", "", "prod"): "c.yaml:1",
        Identity("Source", "default", "web"): "web/a.yaml:2",
        Identity("Application", "default", "web"): "web/a.yaml:7",
    }


@pytest.mark.parametrize("path", ["../web", "./../web", "/web"])
def test_a_folder_that_cannot_be_in_the_source_is_told_offline(told: Told, path: str) -> None:
    (problem,) = told(f"{SOURCE}---\n{application(source=f'{{ref: web, path: {path}}}')}")

    assert problem.endswith(
        "spec.source.path: expected a folder inside the source, such as apps/web"
    )


def test_every_problem_of_a_document_is_told(told: Told) -> None:
    more = """\
  overrides:
  - clusterSelector: {match_labels: {}}
    patches:
    - target: {kind: 5}
      operations:
      - {op: add, path: /x}
      - {op: Replce, path: x, value: hunter2}
  sync: {prune: afterhealthy, whenDriftd: Report}
"""

    assert told(f"{SOURCE}---\n{application(more=more)}") == [
        "13: spec.overrides[0].clusterSelector.match_labels: unknown field "
        "(expected one of matchLabels, matchExpressions; did you mean matchLabels?)",
        "15: spec.overrides[0].patches[0].target.kind: wrong type: this is a number "
        "(expected text); quote it",
        "17: spec.overrides[0].patches[0].operations[0]: operation add needs a value",
        "18: spec.overrides[0].patches[0].operations[1].op: not a known value (expected one of "
        "add, remove, replace, move, copy, test; did you mean replace?)",
        "18: spec.overrides[0].patches[0].operations[1].path: not of the right form "
        "(expected JSON Pointer (RFC 6901) to the place)",
        "19: spec.sync.prune: not a known value "
        "(expected one of AfterHealthy, AfterApply, Never; did you mean AfterHealthy?)",
        "19: spec.sync.whenDriftd: unknown field "
        f"(expected one of {_fields(SyncPolicy)}; did you mean whenDrifted?)",
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            "git: {ur: u, secretRef: {nam: x}}",
            [
                "spec.git.secretRef.nam: unknown field (expected name)",
                "spec.git.secretRef.name: required field is missing",
                "spec.git.ur: unknown field "
                "(expected one of url, branch, depth, secretRef; did you mean url?)",
                "spec.git.url: required field is missing",
            ],
        ),
        ("git: {url: 5}", ["spec.git.url: wrong type: this is a number (expected text); quote it"]),
        ("git: {url: u, depth: 0}", ["spec.git.depth: should be greater than or equal to 1"]),
        (
            "git: {url: u}, intervall: 5m",
            [
                "spec.intervall: neither a field nor the name of a source plugin "
                "(expected one of git, oci, interval; did you mean interval?)"
            ],
        ),
        (
            "gti: {url: u}",
            [
                "spec.gti: neither a field nor the name of a source plugin "
                "(expected one of git, oci, interval; did you mean git?)"
            ],
        ),
        ("git: {url: u}, oci: {}", ["spec: more than one source: git, oci (expected only one)"]),
        ("interval: 5m", ["spec: no source is named (expected one key: one of git, oci)"]),
        (
            "choice: {git: {url: u}}",
            [
                "spec.choice: neither a field nor the name of a source plugin "
                "(expected one of git, oci, interval); if it is of another distribution, install "
                "that and name it: shoal --plugin DISTRIBUTION"
            ],
        ),
        (
            "git: {url: u}, interval: 5",
            ["spec.interval: expected a duration such as 30s, 5m, 1h30m or 7d"],
        ),
    ],
)
def test_the_part_of_a_plugin_is_told_of_as_it_is_written(
    told: Told, spec: str, expected: list[str]
) -> None:
    problems = told(f"{HEAD}kind: Source\nmetadata: {{name: web}}\nspec: {{{spec}}}\n")

    assert problems == [f"4: {each}" for each in expected]


def test_a_plugin_that_is_not_installed_is_told(told: Told) -> None:
    text = CLUSTER.replace("kubeconfig", "kubconfig")

    assert told(text) == [
        "4: spec.access.kubconfig: not the name of an access plugin (expected kubeconfig)"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c", "1: not YAML: mapping values are not allowed in this context; indent it like "
         "its neighbours, or quote the value if it holds a colon"),
        ("a:\n\t- b", "2: not YAML: a tab stands in the indentation; use spaces"),
        ("hello", "1: plain text is not a document "
         "(expected a mapping with apiVersion, kind, metadata and spec)"),
        (f"- {HEAD}", "1: a list is not a document (expected a mapping with apiVersion, kind, "
         "metadata and spec); separate documents by lines of ---"),
        (f"{HEAD}kind: Clutser", "2: kind: not a known kind "
         "(expected one of Fleet, Cluster, Source, Application, Alert; did you mean Cluster?)"),
        (HEAD, "1: kind: required field is missing "
         "(expected one of Fleet, Cluster, Source, Application, Alert)"),
        ("apiVersion: shoal.dev/v1\nkind: Cluster",
         "1: apiVersion: not a known version (did you mean shoal.dev/v1alpha1?)"),
        ("apiVersion: shoal.io/v1alpha1\nkind: Cluster",
         "1: apiVersion: not a known group (did you mean shoal.dev/v1alpha1?)"),
        ("kind: Cluster", "1: apiVersion: required field is missing (expected shoal.dev/v1alpha1)"),
        (SOURCE + "kind: Source\n", "5: the key kind stands here twice"),
        (SOURCE.replace("web", "Web"), "3: metadata.name: not of the right form "
         "(expected lower-case letters, digits and hyphens, at most 63)"),
        (CLUSTER.replace("prod", "prod, namespace: x"),
         "3: metadata.namespace: this kind has no namespace; remove the field"),
        (f"{HEAD}kind: Source\nmetadata: hello\nspec: {{oci: {{}}}}",
         "3: metadata: wrong type: this is text (expected a mapping)"),
        (f"{HEAD}kind: Source\nmetadata: {{name: web}}\n",
         "1: spec: required field is missing "
         "(expected the source plugin's part, and the interval)"),
        (f"{HEAD}kind: Source\nmetadata: {{name: web}}\nspec:\n",
         "4: spec: wrong type: nothing is written here (expected a mapping)"),
    ],
)  # fmt: skip
def test_what_is_no_document_of_ours_is_told(told: Told, text: str, expected: str) -> None:
    assert told(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\na: 1\na: 2\n",
        "apiVersion: cluster.x-k8s.io/v1\nkind: Cluster\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n",
        "replicas: 3\n",
        "- hosts: all\n",
        "# nothing\n---\n",
        "kind: {{ .Values.kind }}\n  {{- end }}\n",
    ],
)
def test_the_yaml_of_others_is_skipped_without_a_word(told: Told, text: str) -> None:
    assert told(text) == []


def test_one_bad_document_never_hides_another(read: Load) -> None:
    loaded = read({"a.yaml": f"a: b: c\n---\n{SOURCE}---\n[\n---\n{CLUSTER}", "b.yaml": "]"})

    assert [problem.where for problem in loaded.problems] == ["a.yaml:1", "a.yaml:8", "b.yaml:1"]
    assert {each.kind for each in loaded.documents} == {"Fleet", "Source", "Cluster"}


def test_an_identity_that_stands_twice_names_both_places_and_counts_in_neither(read: Load) -> None:
    loaded = read({"a.yaml": SOURCE, "b.yaml": f"\n\n{SOURCE}"})

    assert [problem.as_text() for problem in loaded.problems] == [
        "a.yaml:1: metadata.name: Source default/web stands here and at b.yaml:3; "
        "rename one of them, or remove it",
        "b.yaml:3: metadata.name: Source default/web stands here and at a.yaml:1; "
        "rename one of them, or remove it",
    ]
    assert Identity("Source", "default", "web") not in loaded.documents


def test_an_application_is_told_the_nearest_source(told: Told) -> None:
    assert told(f"{SOURCE}---\n{application('{ref: wbe}')}") == [
        "10: spec.source.ref: there is no Source wbe in namespace default (did you mean web?)"
    ]


def test_a_source_that_is_broken_is_not_also_missing(told: Told) -> None:
    broken = SOURCE.replace("url", "ulr")

    assert not [each for each in told(f"{broken}---\n{application()}") if "there is no" in each]


def test_a_fleet_needs_exactly_one_name(read: Load) -> None:
    fleet = HEAD + "kind: Fleet\nmetadata: {name: other}\n"

    nothing = read({}, fleet=False)
    none = read({"a.yaml": SOURCE}, fleet=False)
    two = read({"a.yaml": fleet})

    assert [each.message for each in nothing.problems] == ["there are no documents of shoal.dev"]
    assert [each.message for each in none.problems] == ["there is no document of kind Fleet"]
    assert [each.message for each in two.problems] == [
        "a second Fleet; the other one is at fleet.yaml:1",
        "a second Fleet; the other one is at a.yaml:1",
    ]


def test_a_problem_never_shows_what_stands_in_a_field(read: Load) -> None:
    text = (
        f"{HEAD}kind: Source\nmetadata: {{name: web, labels: [hunter2]}}\n"
        "spec: {git: {url: [hunter2], branch: {hunter2: 1}, depth: hunter2, secretRef: hunter2}, "
        "interval: hunter2}\n"
    )

    problems = read({"a.yaml": text}).problems

    assert len(problems) == 6
    assert not [each for each in problems if "hunter2" in each.as_text()]


def test_a_problem_has_a_form_for_programs() -> None:
    problem = Problem("a.yaml", 3, "spec.x", "unknown field", expected="y", next_step="remove it")

    assert problem.as_json() == {
        "file": "a.yaml",
        "line": 3,
        "field": "spec.x",
        "message": "unknown field",
        "expected": "y",
        "suggestion": "",
        "nextStep": "remove it",
        "text": "a.yaml:3: spec.x: unknown field (expected y); remove it",
    }
