"""Images of overrides beside the original: the same entries in a kustomization, built by kustomize.

Not compared, for they differ on purpose: names that are regular expressions, ephemeral containers,
and image volumes outside of the two places where kustomize looks for them.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.rendering.originals.running import Originals

from shoal.model.manifests import Manifest
from shoal.model.overrides import ImageOverride
from shoal.planning.images import with_image

DIGEST, OTHER = f"sha256:{'0a' * 32}", f"sha256:{'1b' * 32}"
NAMES = ["app", "team/app", "reg.example/team/app", "reg.example:5000/team/app", "localhost:5000/a"]
TAGS = ["", ":", ":1.2", f"@{DIGEST}", f":1.2@{DIGEST}"]
SUFFIXES = [*TAGS, "-more:1", "/more", ":5000/x"]
CHANGES: list[dict[str, str]] = [
    {"newTag": "9"},
    {"digest": OTHER},
    {"newTag": "9", "digest": OTHER},
    {"newName": "mirror.example:5000/new"},
    {"newName": "new", "newTag": "9"},
    {"newName": "new", "digest": OTHER},
]
PLACES = {
    ("v1", "Pod"): "spec",
    ("apps/v1", "Deployment"): "spec.template.spec",
    ("batch/v1", "CronJob"): "spec.jobTemplate.spec.template.spec",
    ("example.org/v1", "Rollout"): "spec.strategies.0.canary",
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): "spec.template.spec",
}


def placed(value: Any, path: str) -> Any:
    for step in reversed(path.split(".")):
        value = [value] if step.isdecimal() else {step: value}
    return value


def built(kustomize: Path, folder: Path) -> bytes:
    environment = {**os.environ, "HOME": str(folder)}
    return subprocess.run(
        [kustomize, "build", folder], env=environment, check=True, capture_output=True
    ).stdout


def test_every_entry_does_what_the_original_does(originals: Originals, tmp_path: Path) -> None:
    entries, objects = [], []
    cases = itertools.product(enumerate(NAMES), enumerate(CHANGES))
    for (at, name), (number, change) in cases:
        own = f"{name}-{number}"
        entries.append({"name": own, **change})
        images = [own + suffix for suffix in SUFFIXES]
        for (version, kind), path in PLACES.items():
            pod = {
                "containers": [{"name": "a", "image": image} for image in images],
                "initContainers": [{"name": "b", "image": images[0]}, {"name": "c"}],
                "volumes": [{"name": "v", "emptyDir": {}}],
            }
            metadata = {"name": f"x{at}-{number}-{kind.lower()}"}
            head = {"apiVersion": version, "kind": kind, "metadata": metadata}
            objects.append({**head, **placed(pod, path)})
    kustomization = {"resources": ["objects.json"], "images": entries}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(kustomization))
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    (tmp_path / "objects.json").write_text(json.dumps(listed))

    expected = originals.yaml.read("file", built(originals.kustomize, tmp_path)).value
    found = [Manifest(each, "x") for each in objects]
    for entry in entries:
        image = ImageOverride.model_validate(entry)
        found = [with_image(each, image)[0] for each in found]

    by_key = {each.key: each.body for each in found}
    assert {each.key: each.body for each in (Manifest(e, "x") for e in expected)} == by_key
    changed = sum(each != Manifest(body, "x") for each, body in zip(found, objects, strict=True))
    assert changed == len(NAMES) * len(CHANGES) * (len(PLACES) - 1)


def test_image_volumes_do_where_the_original_looks(originals: Originals, tmp_path: Path) -> None:
    pod = {"volumes": [{"name": "v", "image": {"reference": "models/llm:1"}}]}
    objects = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "a"},
            "spec": {"template": {"spec": pod}},
        },
    ]
    entry = {"name": "models/llm", "newTag": "2"}
    kustomization = {"resources": ["pod.json", "deployment.json"], "images": [entry]}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(kustomization))
    for body in objects:
        (tmp_path / f"{str(body['kind']).lower()}.json").write_text(json.dumps(body))

    expected = originals.yaml.read("file", built(originals.kustomize, tmp_path)).value
    image = ImageOverride.model_validate(entry)
    found = [with_image(Manifest(each, "x"), image)[0] for each in objects]

    assert {each.key: each.body for each in (Manifest(e, "x") for e in expected)} == {
        each.key: each.body for each in found
    }
    assert all(b"models/llm:2" in each.text for each in found)
