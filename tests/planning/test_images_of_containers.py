"""Images get another name, tag or digest, by kustomize's rules."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shoal.errors import OverrideFailed
from shoal.model.facts import DocumentFacts
from shoal.model.manifests import Manifest
from shoal.model.overrides import ImageOverride, Override
from shoal.planning.images import ImageReference, images_of, meant_image, with_image
from shoal.planning.overriding import override

DIGEST = "sha256:" + "0a" * 32


def manifest(body: dict[str, Any], *, kind: str = "Deployment", group: str = "apps/") -> Manifest:
    head = {"apiVersion": f"{group}v1", "kind": kind, "metadata": {"name": "web"}}
    return Manifest({**head, **body}, "web.yaml:1")


def container(image: Any, field: str = "containers") -> dict[str, Any]:
    return {field: [{"name": "main", "image": image}]}


def replaced(image: str, **entry: str) -> str:
    (item,) = with_image(manifest({"spec": container(image)}), ImageOverride.model_validate(entry))[
        0
    ].body["spec"]["containers"]
    result: str = item["image"]
    return result


@pytest.mark.parametrize(
    ("before", "entry", "after"),
    [
        ("nginx", {"newTag": "1.27"}, "nginx:1.27"),
        ("nginx:1.25", {"newTag": "1.27"}, "nginx:1.27"),
        (f"nginx@{DIGEST}", {"newTag": "1.27"}, "nginx:1.27"),
        (f"nginx:1.25@{DIGEST}", {"newTag": "1.27"}, "nginx:1.27"),
        ("nginx:1.25", {"digest": DIGEST}, f"nginx@{DIGEST}"),
        ("nginx:1.25", {"newTag": "1.27", "digest": DIGEST}, f"nginx:1.27@{DIGEST}"),
        ("nginx:1.25", {"newName": "mirror.example:5000/nginx"}, "mirror.example:5000/nginx:1.25"),
        (f"nginx:1@{DIGEST}", {"newName": "httpd"}, f"httpd:1@{DIGEST}"),
        ("nginx:1.25", {"newName": "httpd", "newTag": "2"}, "httpd:2"),
        ("nginx-unprivileged:1", {"newTag": "2"}, "nginx-unprivileged:1"),
        ("docker.io/nginx:1", {"newTag": "2"}, "docker.io/nginx:1"),
        ("nginx/nginx:1", {"newTag": "2"}, "nginx/nginx:1"),
        ("nginx:5000/other:1", {"newTag": "2"}, "nginx:5000/other:1"),
    ],
)
def test_an_image_changes_as_kustomize_changes_it(
    before: str, entry: dict[str, str], after: str
) -> None:
    assert replaced(before, name="nginx", **entry) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("registry.example:5000/team/app", "registry.example:5000/team/app:2"),
        ("registry.example:5000/team/app:1", "registry.example:5000/team/app:2"),
        (f"registry.example:5000/team/app@{DIGEST}", "registry.example:5000/team/app:2"),
        ("registry.example/team/app:1", "registry.example/team/app:1"),
    ],
)
def test_the_port_of_a_registry_is_part_of_the_name(before: str, after: str) -> None:
    assert replaced(before, name="registry.example:5000/team/app", newTag="2") == after


def test_a_dot_in_a_name_stands_for_a_dot_only() -> None:
    assert replaced("quayxio/app:1", name="quay.io/app", newTag="2") == "quayxio/app:1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("", "", "")),
        ("app", ("app", "", "")),
        ("localhost:5000", ("localhost", "5000", "")),
        ("localhost:5000/app", ("localhost:5000/app", "", "")),
        ("[::1]:5000/app:1", ("[::1]:5000/app", "1", "")),
        ("app@sha512:ab", ("app", "", "sha512:ab")),
        ("app:{STABLE_VERSION}", ("app", "{STABLE_VERSION}", "")),
    ],
)
def test_a_reference_is_read_in_three_parts(text: str, parts: tuple[str, str, str]) -> None:
    assert ImageReference.parse(text) == parts


@pytest.mark.parametrize("field", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("kind", "group", "place"),
    [
        ("Pod", "", ("spec",)),
        ("Deployment", "apps/", ("spec", "template", "spec")),
        ("CronJob", "batch/", ("spec", "jobTemplate", "spec", "template", "spec")),
        ("Rollout", "example.org/", ("spec", "strategy", "canary", "podSpec")),
    ],
)
def test_containers_are_found_wherever_a_pod_template_stands(
    kind: str, group: str, place: tuple[str, ...], field: str
) -> None:
    body: dict[str, Any] = container("nginx:1", field)
    for step in reversed(place):
        body = {step: body}
    image = ImageOverride(name="nginx", new_tag="2")

    result, (change,) = with_image(manifest(body, kind=kind, group=group), image)

    assert change == (f"/{'/'.join(place)}/{field}/0/image", "nginx:1", "nginx:2")
    assert b'"nginx:2"' in result.text
    assert b'"nginx:1"' not in result.text


def test_templates_in_lists_are_found_and_their_pointers_are_escaped() -> None:
    body = {"spec": {"a/b": [{"pod": container("nginx")}, {"pod": container("httpd")}]}}

    _, changes = with_image(manifest(body), ImageOverride(name="nginx", new_tag="2"))

    assert [each.path for each in changes] == ["/spec/a~1b/0/pod/containers/0/image"]


def test_a_tilde_in_a_pointer_is_escaped_before_a_slash_is() -> None:
    body = {"spec": {"a~b/c": container("nginx")}}

    _, (change,) = with_image(manifest(body), ImageOverride(name="nginx", new_tag="2"))

    assert change.path == "/spec/a~0b~1c/containers/0/image"


def test_what_is_no_container_hides_none_behind_it() -> None:
    body = {"spec": {"containers": ["text", {"name": "bare"}, {"image": "nginx"}]}}

    _, (change,) = with_image(manifest(body), ImageOverride(name="nginx", new_tag="2"))

    assert change.path == "/spec/containers/2/image"


def test_image_volumes_are_images_too() -> None:
    body = {"spec": {"volumes": [{"name": "model", "image": {"reference": "models/llm:1"}}]}}

    result, (change,) = with_image(manifest(body), ImageOverride(name="models/llm", new_tag="2"))

    assert change == ("/spec/volumes/0/image/reference", "models/llm:1", "models/llm:2")
    assert result.body["spec"]["volumes"][0]["image"]["reference"] == "models/llm:2"


@pytest.mark.parametrize(
    "body",
    [
        {"spec": {"image": "nginx"}},
        {"spec": {"containers": {"image": "nginx"}}},
        {"spec": {"containers": ["nginx", None, {"image": {"name": "nginx"}}, {"image": 3}]}},
        {"spec": {"sidecars": [{"image": "nginx"}]}},
        {"spec": {"sidecars": [{"image": {"reference": "nginx"}}]}},
        {"spec": {"volumes": [{"image": "nginx"}, {"image": {"reference": None}}]}},
        {"data": {"containers": "[{image: nginx}]"}},
    ],
)
def test_what_is_no_container_is_left_alone(body: dict[str, Any]) -> None:
    before = manifest(body)

    assert with_image(before, ImageOverride(name="nginx", new_tag="2")) == (before, ())


def test_a_custom_resource_definition_is_left_alone() -> None:
    schema = {"spec": container("nginx")}
    before = manifest(schema, kind="CustomResourceDefinition", group="apiextensions.k8s.io/")

    assert with_image(before, ImageOverride(name="nginx", new_tag="2")) == (before, ())


def test_an_image_that_fits_already_leaves_the_very_same_object() -> None:
    before = manifest({"spec": container("nginx:2")})

    result, changes = with_image(before, ImageOverride(name="nginx", new_tag="2"))

    assert result is before
    assert [each.before == each.after for each in changes] == [True]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "nginx"}, "changes nothing: give newName, newTag or digest"),
        ({"name": "nginx", "newName": "nginx"}, "changes nothing: newName is the name"),
        ({"name": "nginx:1", "newTag": "2"}, "without tag and digest"),
        ({"name": f"nginx@{DIGEST}", "newTag": "2"}, "without tag and digest"),
        ({"name": "nginx", "newName": "httpd:2"}, "without tag and digest"),
        ({"name": "", "newTag": "2"}, "the name of an image"),
        ({"name": "nginx", "newTag": ""}, "the tag of an image"),
        ({"name": "nginx", "newTag": "a b"}, "the tag of an image"),
        ({"name": "nginx", "newTag": 1.27}, "string"),
        ({"name": "nginx", "digest": "0a" * 32}, "the digest of an image"),
        ({"name": "nginx", "newTag": "${cluster.colour}"}, "there is no fact cluster.colour"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused_in_the_document(
    entry: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        ImageOverride.model_validate(entry)


def overridden(images: list[dict[str, str]], *manifests: Manifest, **values: Any) -> list[str]:
    document = Override.model_validate({"clusterSelector": {}, "images": images})
    look = DocumentFacts("eu-1", {}, values).look
    result = override(manifests, [document], indexes=[0], look=look)
    return [each.body["spec"]["containers"][0]["image"] for each in result]


def test_entries_apply_in_order_and_see_what_the_ones_before_them_left() -> None:
    images = [{"name": "a", "newName": "b"}, {"name": "b", "newTag": "2"}]

    assert overridden(images, manifest({"spec": container("a:1")})) == ["b:2"]


def test_facts_stand_in_images() -> None:
    images = [{"name": "a", "newName": "${cluster.values.mirror}/a", "newTag": "v-${cluster.name}"}]
    web = manifest({"spec": container("a:1")})

    assert overridden(images, web, mirror="eu.example:5000") == ["eu.example:5000/a:v-eu-1"]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (1.10, "newTag is not text: quote it in the Cluster document"),
        ("a b", "newTag does not fit: expected the tag of an image"),
        ("${cluster.name}", "a fact of the cluster is itself a reference"),
    ],
)
def test_a_fact_that_is_no_tag_is_refused_and_not_shown(tag: Any, reason: str) -> None:
    images = [{"name": "a", "newTag": "${cluster.values.tag}"}]

    with pytest.raises(OverrideFailed, match=rf"^overrides\[0\]\.images\[0\]: .*{reason}") as found:
        overridden(images, manifest({"spec": container("a:1")}), tag=tag)

    assert str(tag) not in found.value.message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nginx", ", did you mean docker.io/library/nginx?"),
        ("docker.io/library/ngnix", ", did you mean docker.io/library/nginx?"),
        ("something-else", ""),
    ],
)
def test_an_image_that_nothing_has_is_named_with_a_near_one(name: str, hint: str) -> None:
    web = manifest({"spec": container("docker.io/library/nginx:1.25")})

    with pytest.raises(OverrideFailed) as found:
        overridden([{"name": name, "newTag": "2"}], web)

    told = f"overrides[0].images[0]: no container has the image {name}{hint}"
    assert found.value.message == told


def test_the_images_of_objects_are_names_without_tag_and_digest() -> None:
    web = manifest({"spec": container("nginx:1.25")})
    job = manifest({"spec": {**container(f"a/b@{DIGEST}"), **container("c", "initContainers")}})
    crd = manifest(
        {"spec": container("d")}, kind="CustomResourceDefinition", group="apiextensions.k8s.io/"
    )

    assert images_of([web, job, crd]) == {"nginx", "a/b", "c"}


def test_an_image_of_the_same_last_part_was_meant_before_one_of_a_near_name() -> None:
    known = frozenset({f"registry-{letter}.example.com/team/app" for letter in "dbca"} | {"apps"})

    assert meant_image("app", known) == "registry-a.example.com/team/app"
    assert meant_image("elsewhere.example.org/app", known) == "registry-a.example.com/team/app"
    assert meant_image("appz", known) == "apps"
    assert meant_image("nothing-like-it", known) is None


def test_a_reference_without_tag_and_digest_is_its_name() -> None:
    assert ImageReference("nginx") == ("nginx", "", "")
    assert str(ImageReference("nginx")) == "nginx"
