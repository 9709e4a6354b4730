"""The workload: A applications of K objects each, the same on N clusters, made from a seed name.

Each application is a folder of ConfigMaps, Services, ServiceAccounts and Deployments in a namespace
of its own, in about the proportions that applications have.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import forms
from bench.forms import Body, Form


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


def objects_of(namespace: str, count: int, *, version: int = 1, kinds: int = 4) -> list[Body]:
    """The objects of one application; `version` changes the first of them alone.

    Of four kinds, two fifths are ConfigMaps; with more, up to ten, each kind has its turn.
    """
    return [
        _object(namespace, index, version if index == 0 else 1, kinds) for index in range(count)
    ]


def path_of(body: Body) -> str:
    """Where one object of the workload is served."""
    metadata = body["metadata"]
    collection = collection_of(body["apiVersion"], body["kind"], metadata["namespace"])
    return f"{collection}/{metadata['name']}"


def collection_of(api_version: str, kind: str, namespace: str = "") -> str:
    """Where the objects of one kind are served, in a namespace or in all."""
    root = "/api/v1" if api_version == "v1" else f"/apis/{api_version}"
    within = f"namespaces/{namespace}/" if namespace else ""
    return f"{root}/{within}{plural(kind)}"


def plural(kind: str) -> str:
    """What an address calls a kind of the workload."""
    lower = kind.lower()
    if lower.endswith("y"):
        return f"{lower[:-1]}ies"
    return f"{lower}es" if lower.endswith("s") else f"{lower}s"


def _object(namespace: str, index: int, version: int, kinds: int) -> Body:
    metadata = {"name": f"part-{index:03}", "namespace": namespace, "labels": {"part": str(index)}}
    if kinds > len(_FOUR):
        return _MAKERS[index % kinds](metadata, version)
    return _MAKERS[_FOUR.get(index % 5, 0)](metadata, version)


def _config_map(metadata: Body, version: int) -> Body:
    data = {"version": str(version), "settings.yaml": "level: info\n" * 8}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _service_account(metadata: Body, version: int) -> Body:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _service(metadata: Body, version: int) -> Body:
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


def _stateful_set(metadata: Body, version: int) -> Body:
    body = _deployment(metadata, version)
    spec = {**body["spec"], "serviceName": metadata["name"]}
    return {**body, "kind": "StatefulSet", "spec": spec}


def _cron_job(metadata: Body, version: int) -> Body:
    container = {"name": "main", "image": f"registry.example.org/job:{version}"}
    pod = {"restartPolicy": "Never", "containers": [container]}
    spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


def _role(metadata: Body, version: int) -> Body:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
    return {**head, "metadata": metadata, "rules": rules}


def _network_policy(metadata: Body, version: int) -> Body:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**head, "metadata": metadata, "spec": spec}


def _ingress(metadata: Body, version: int) -> Body:
    backend = {"service": {"name": "part-002", "port": {"number": 80}}}
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
    return {**head, "metadata": metadata, "spec": {"defaultBackend": backend}}


def _pod_disruption_budget(metadata: Body, version: int) -> Body:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": metadata["name"]}}}
    head = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    return {**head, "metadata": metadata, "spec": spec}


_MAKERS: Sequence[Callable[[Body, int], Body]] = (
    _config_map,
    _deployment,
    _service,
    _service_account,
    _role,
    _stateful_set,
    _cron_job,
    _network_policy,
    _ingress,
    _pod_disruption_budget,
)
MOST_KINDS = len(_MAKERS)
# Of five objects: which maker, where it is not the first.
_FOUR = {1: 1, 2: 2, 3: 3, 4: 0}


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree that is pushed to a bare repository."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git in the work tree and give what it prints; raises when it fails."""
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **_AUTHOR}
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, env=environment)
        return done.stdout.decode().strip()

    def write(self, application: str, bodies: Sequence[Body], form: Form = Form.PLAIN) -> None:
        """Write the objects of one application, one file per object."""
        forms.write(form, self.folder / application, bodies)

    def remove(self, application: str, name: str) -> None:
        """Take one object out of the work tree."""
        (self.folder / application / f"{name}.yaml").unlink()

    def commit(self, message: str) -> None:
        """Commit all that was written."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)


_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"))
}
