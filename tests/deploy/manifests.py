"""What deploys Shoal, as files: the kustomize base, read without kustomize."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BASE, CHART = DEPLOY / "kustomize", DEPLOY / "chart"


def base() -> list[dict[str, Any]]:
    """The objects of the base, in its order."""
    names = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    return [body for name in names for body in yaml.safe_load_all((BASE / name).read_text())]


def one(kind: str) -> dict[str, Any]:
    """The only object of this kind in the base."""
    (found,) = (body for body in base() if body["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    """The Pod that the StatefulSet makes, with the claim that its controller fills in."""
    template = copy.deepcopy(one("StatefulSet")["spec"]["template"])
    claim = {"name": "state", "persistentVolumeClaim": {"claimName": "state-shoal-0"}}
    template["spec"]["volumes"].append(claim)
    metadata = {**template["metadata"], "name": "shoal-0", "namespace": "shoal"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def moved(body: Any, namespace: str) -> Any:
    """The same object for another namespace than `shoal`."""
    return _moved(copy.deepcopy(body), namespace)


def _moved(value: Any, namespace: str) -> Any:
    if isinstance(value, list):
        return [_moved(each, namespace) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Namespace":
        value["metadata"]["name"] = namespace
    return {
        key: namespace if (key, each) == ("namespace", "shoal") else _moved(each, namespace)
        for key, each in value.items()
    }


def settings() -> dict[str, Any]:
    """The configuration of the controller in the base."""
    found = yaml.safe_load(one("ConfigMap")["data"]["config.yaml"])
    assert isinstance(found, dict)
    return found


def instructions(containerfile: str) -> Iterator[tuple[str, str]]:
    """(instruction, what follows) of a Containerfile, with continued lines as one."""
    text = containerfile.replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, " ".join(rest.split())
