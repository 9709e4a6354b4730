"""A chart that is broken, hostile, or would not be the same tomorrow: one sentence says why."""

from __future__ import annotations

import io
import tarfile

import pytest

from shoal.engine.folders import GuardedFolder
from shoal.errors import ShoalError
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.helm import HelmRenderer, HelmSpec

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
JOB = (
    "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: m, annotations: {helm.sh/hook: HOOK}}\n"
)
TOLD = {"kubernetesVersion": "v1.37.2", "apiVersions": ["v1"]}


@pytest.fixture
def render(host, workers):
    """Renders a chart of these templates and files."""

    async def rendered(template=MAP, files=None, links=None, told=TOLD, **parameters):
        content = {"Chart.yaml": CHART, "templates/a.yaml": template, **(files or {})}
        tree = MemoryTree({f"apps/{path}": text for path, text in content.items()}, links=links)
        facts, spec = make_facts(told=told), HelmSpec.model_validate(parameters)
        folder = GuardedFolder(tree, "apps")
        return await HelmRenderer(workers).render(spec, folder, facts, host)

    return rendered


def packed(size: int) -> bytes:
    """A chart as an archive, with a file of so many bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in (
            ("sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
            ("sub/files/zeros", bytes(size)),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ('a: b\n\n{{ fail "no way" }}', r"^templates/a\.yaml:3: no way"),
        ('a: {{ required "set me" .Values.x }}', r"^templates/a\.yaml:1: set me"),
        ("a: 1\nb: {{ .Values.a.b.c }}", r"^templates/a\.yaml:2: nil pointer"),
        ("a: 1\nb: {{ .Values.a", r"^templates/a\.yaml:2: unclosed action"),
        ('{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}', r"a\.yaml:1: .*nested"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a\n", r"^templates/a\.yaml: line 3 of an obj"),
        ("apiVersion: v1\nmetadata: {name: a}\n", r"^templates/a\.yaml: .*kind is missing"),
        (b"kind: \xff\xfe", r"^templates/a\.yaml: .*UTF-8"),
        ('a: {{ lookup "v1" "Secret" "x" "y" }}', r"^templates/a\.yaml:1: lookup asks a cluster"),
        ('a: {{ env "HOME" }}', r'^templates/a\.yaml:1: function "?env"? not defined'),
        (f"{MAP}data: {{p: {{{{ randAlphaNum 10 }}}}}}", "ConfigMap/a is different.* randAlphaNum"),
        (f"{MAP}data: {{p: {{{{ uuidv4 }}}}}}", "ConfigMap/a is different each .* calls uuidv4"),
        (f"{MAP}data: {{p: {{{{ now | quote }}}}}}", "ConfigMap/a is different .* calls now"),
        (
            f'{MAP}data: {{p: {{{{ now | date "2006" | quote }}}}}}',
            "ConfigMap/a is different .* calls now",
        ),
        (f"{MAP}{JOB.replace('HOOK', 'pre-install')}", r"Job/m \(pre-install, templates/a\.yaml\)"),
    ],
)
async def test_a_template_is_named_with_its_line(render, template, reason):
    with pytest.raises(ShoalError, match=reason):
        await render(template)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"Chart.yaml": "a: ["}, r"Chart\.yaml"),
        ({"Chart.yaml": "apiVersion: v2\n"}, "name is required"),
        ({"Chart.yaml": f"{CHART}type: library\n"}, "a chart of type library renders nothing"),
        ({"Chart.yaml": f"{CHART}kubeVersion: '>=1.99'\n"}, r"requires Kubernetes >=1\.99"),
        (
            {
                "Chart.yaml": f"{CHART}dependencies: [{{name: db, version: 1, repository: 'oci://x'}}]"
            },
            "the dependency db of oci://x is not in charts/",
        ),
        ({"values.yaml": "a: [\n"}, r"values\.yaml"),
        ({"values.yaml": "- a\n"}, r"values\.yaml"),
        ({"values.schema.json": "{not json"}, r"^values\.schema\.json"),
        ({"values.schema.json": '{"$ref": "https://example.com/x.json"}'}, "fetches nothing while"),
        ({"values.schema.json": '{"$ref": "file:///etc/passwd"}'}, "fetches nothing while"),
        ({"charts/sub-1.0.0.tgz": b"\x1f\x8bnonsense"}, r"^charts/sub-1\.0\.0\.tgz: not a packed"),
        ({"charts/sub-1.0.0.tgz": packed(300 << 20)}, "unpacks to more bytes than a render may"),
    ],
)
async def test_a_file_of_a_chart_is_named(render, files, reason):
    with pytest.raises(ShoalError, match=reason):
        await render(files=files)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("nope.yaml", r"values file nope\.yaml does not exist"),
        ("../../../etc/passwd", "leads out of the source"),
        ("/etc/passwd", "leads out of the source"),
        ("https://example.com/v.yaml", "is remote, and Shoal fetches nothing"),
        ("oci://example.com/v", "is remote, and Shoal fetches nothing"),
    ],
)
async def test_a_value_file_that_is_not_in_the_source_is_named(render, file, reason):
    with pytest.raises(ShoalError, match=reason):
        await render(valueFiles=[file])


async def test_a_million_documents_are_refused_before_they_are_sorted(render):
    many = f"{{{{- range until 1000000 }}}}\n---\n{MAP}{{{{- end }}}}"

    with pytest.raises(
        ShoalError, match=r"a\.yaml: the chart renders to more than 10000 documents"
    ):
        await render(many)


async def test_a_missing_value_file_may_be_ignored(render):
    (made,) = await render(valueFiles=["nope.yaml"], whenValueFileMissing="Ignore")

    assert made.key.name == "a"


async def test_values_that_do_not_fit_the_schema_are_named_and_not_shown(render):
    schema = '{"properties": {"replicas": {"type": "integer"}}}'

    with pytest.raises(ShoalError) as refused:
        await render(files={"values.schema.json": schema}, values={"replicas": "canary-5f1d"})

    assert "chart web, field replicas: got string, want integer" in str(refused.value)
    assert "canary" not in str(refused.value)


async def test_subcharts_that_hold_each_other_by_links_are_refused(render):
    with pytest.raises(ShoalError, match="is a link to a folder that it stands in"):
        await render(links={"apps/charts/web": ".."})


@pytest.mark.parametrize("hook", ["test", "test-success", "pre-delete", "post-rollback"])
async def test_hooks_that_never_run_in_a_sync_are_left_out(render, hook):
    made = await render(f"{MAP}{JOB.replace('HOOK', hook)}")

    assert [each.key.kind for each in made] == ["ConfigMap"]


async def test_hooks_of_installs_may_be_skipped(render):
    made = await render(f"{MAP}{JOB.replace('HOOK', 'pre-install,pre-upgrade')}", hooks="Skip")

    assert [each.key.kind for each in made] == ["ConfigMap"]


async def test_files_outside_the_chart_are_not_read_by_templates(host, workers):
    template = f'{MAP}data: {{x: {{{{ .Files.Get "../secret" | quote }}}}}}'
    files = {"web/Chart.yaml": CHART, "web/templates/a.yaml": template, "secret": "canary"}
    folder = GuardedFolder(MemoryTree(files), "web")

    (made,) = await HelmRenderer(workers).render(HelmSpec(), folder, make_facts(), host)

    assert made.body["data"] == {"x": ""}
    assert "secret" not in folder.looks


async def test_objects_without_a_namespace_get_that_of_the_release(render):
    role = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
    there = MAP.replace("name: a", "name: b, namespace: kept").join(["---\n", ""])

    made = await render(f"{MAP}{there}{role}", namespace="web")

    assert {each.key.name: each.key.namespace for each in made} == {
        "a": "web",
        "b": "kept",
        "r": "",
    }


async def test_facts_stand_in_values_and_names_of_value_files(host, workers):
    tree = MemoryTree(
        {
            "Chart.yaml": CHART,
            "eu.yaml": "from: eu\n",
            "templates/a.yaml": f"{MAP}data: {{{{ .Values | toJson }}}}",
        }
    )
    spec = HelmSpec.model_validate(
        {
            "valueFiles": ["${cluster.labels.region}.yaml"],
            "values": {"name": "${cluster.name}", "zones": "${cluster.values.zones}"},
        }
    )
    facts = make_facts("one", labels={"region": "eu"}, values={"zones": "a,b"})

    (made,) = await HelmRenderer(workers).render(spec, GuardedFolder(tree, ""), facts, host)

    assert made.body["data"] == {"from": "eu", "name": "one", "zones": "a,b"}
    assert set(facts.looks) == {"labels.region", "name", "values.zones", "application"}


async def test_only_charts_that_mention_capabilities_ask_the_cluster(host, workers):
    looks = {}
    for name, text in {
        "none": "data: {}",
        "version": "data: {v: {{ .Capabilities.KubeVersion.Version | quote }}}",
        "apis": 'data: {v: {{ .Capabilities.APIVersions.Has "apps/v1" | quote }}}',
    }.items():
        tree = MemoryTree({"Chart.yaml": CHART, "templates/a.yaml": f"{MAP}{text}"})
        facts = make_facts(told={"kubernetesVersion": "v1.37.2", "apiVersions": ["apps/v1"]})
        folder = GuardedFolder(tree, "")
        (made,) = await HelmRenderer(workers).render(HelmSpec(), folder, facts, host)
        looks[name] = (made.body["data"], set(facts.looks) - {"application"})

    assert looks["none"] == ({}, set())
    assert looks["version"] == ({"v": "v1.37.2"}, {"kubernetesVersion"})
    assert looks["apis"][0] == {"v": "true"}
    assert "apiVersions" in looks["apis"][1]


@pytest.mark.parametrize(
    "template",
    [
        'a: {{ fail (printf "%s is no password" .Values.db.password) }}',
        "a: {{ include .Values.db.password . }}",
        'a: {{ tpl (printf "{{ %s }}" .Values.db.password) . }}',
        "a: {{ required (b64enc .Values.db.password) .Values.nothing }}",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: {{ .Values.db.password }}",
        "kind: {{ .Values.db.password }}\nmetadata: {name: {a: b}}",
    ],
)
@pytest.mark.parametrize("place", ["chart", "file", "document"])
async def test_a_password_among_the_values_is_not_repeated(render, template, place):
    values = {"db": {"password": "canary-5f1dz9"}}
    text = "db: {password: canary-5f1dz9}\n"
    files = {"chart": {"values.yaml": text}, "file": {"own.yaml": text}}.get(place, {})

    with pytest.raises(ShoalError) as raised:
        await render(
            template,
            files,
            **({"valueFiles": ["own.yaml"]} if place == "file" else {}),
            **({"values": values} if place == "document" else {}),
        )

    assert "canary" not in str(raised.value)
    assert "Y2FuYXJ5" not in str(raised.value)
