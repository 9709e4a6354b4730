"""The workload: A applications of K objects each, the same on N clusters, made from a seed name.

Each application is a folder of ConfigMaps, Services, ServiceAccounts and Deployments in a namespace
of its own, in about the proportions that applications have.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """N clusters by A applications by K objects."""

    clusters: int
    applications: int
    objects: int

    @property
    def total(self) -> int:
        """All objects on all clusters."""
        return self.clusters * self.applications * self.objects

    def __str__(self) -> str:
        return f"{self.clusters} x {self.applications} x {self.objects}"


def application_names(size: Size) -> list[str]:
    """The applications, in order."""
    return [f"app-{index:03}" for index in range(size.applications)]


def namespaces(size: Size, prefix: str) -> list[str]:
    """The namespace of each application."""
    return [f"{prefix}-{name}" for name in application_names(size)]


def objects_of(namespace: str, count: int, *, version: int = 1) -> list[Body]:
    """The objects of one application; `version` changes the first of them alone."""
    return [_object(namespace, index, version if index == 0 else 1) for index in range(count)]


def _object(namespace: str, index: int, version: int) -> Body:
    metadata = {"name": f"part-{index:03}", "namespace": namespace, "labels": {"part": str(index)}}
    match index % 5:
        case 1:
            return _deployment(metadata, version)
        case 2:
            return _service(metadata)
        case 3:
            return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        case _:
            data = {"version": str(version), "settings.yaml": "level: info\n" * 8}
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _service(metadata: Body) -> Body:
    spec = {"selector": {"part": "1"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _deployment(metadata: Body, version: int) -> Body:
    labels = {"app": metadata["name"]}
    container = {
        "name": "main",
        "image": f"registry.example.org/shop:{version}",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": "LEVEL", "value": "info"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree that is pushed to a bare repository."""

    folder: Path

    def git(self, *arguments: str) -> None:
        """Run git in the work tree; raises when it fails."""
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **_AUTHOR}
        command = ["git", "-C", str(self.folder), *arguments]
        subprocess.run(command, check=True, capture_output=True, env=environment)

    def write(self, application: str, bodies: Sequence[Body]) -> None:
        """One file per object, as people have them."""
        folder = self.folder / application
        folder.mkdir(parents=True, exist_ok=True)
        for body in bodies:
            file = folder / f"{body['metadata']['name']}.yaml"
            file.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))

    def commit(self, message: str) -> None:
        """Commit all that was written."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)


_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"))
}
