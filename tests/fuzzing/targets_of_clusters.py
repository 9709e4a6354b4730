"""What API servers answer, kubeconfigs that lead to them, and what stands in the database."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import RowMapping
from tests.fuzzing.trying import Target

from shoal.errors import ShoalError
from shoal.model.identity import GroupKind, ObjectKey, Ref, TargetKey
from shoal.store.encoding import read_approval, read_grant, read_hold, read_intent, read_target
from shoal.testing.hosts import make_host
from shoal_clusters.access.expiring import lifetime_of_certificate, lifetime_of_token
from shoal_clusters.access.kubeconfig import Kubeconfig, KubeconfigSpec
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.kubernetes.baselines import decode
from shoal_clusters.kubernetes.discovering import Discovery, Resource
from shoal_clusters.kubernetes.glancing import Glance
from shoal_clusters.kubernetes.health import assess
from shoal_clusters.kubernetes.marks import owner_named, parse_owner_mark, whose
from shoal_clusters.kubernetes.messages import read_answer, told
from shoal_clusters.kubernetes.watching import Watch
from shoal_clusters.transport import Answer, Transport

_KEY = ObjectKey("apps", "Deployment", "default", "web")
_KUBECONFIG = b"""\
apiVersion: v1
kind: Config
current-context: dev
contexts: [{name: dev, context: {cluster: dev, user: dev}}]
clusters: [{name: dev, cluster: {server: 'https://a:6443', certificate-authority-data: eA==}}]
users: [{name: dev, user: {token: one, client-certificate-data: "", tokenFile: ""}}]
"""
_KUBECONFIG_EXEC = _KUBECONFIG.replace(
    b"token: one", b"exec: {command: x, env: [{name: A, value: b}], args: [c]}"
)
_OBJECT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "default",
        "uid": "u",
        "resourceVersion": "17",
        "generation": 2,
        "annotations": {"shoal.dev/owner": "test/default/shop/apps/Deployment/default/web"},
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "ownerReferences": [{"kind": "A", "name": "b", "controller": True, "apiVersion": "v1"}],
        "managedFields": [
            {
                "manager": "shoal",
                "operation": "Apply",
                "time": "2026-01-01T00:00:00Z",
                "fieldsV1": {"f:spec": {"f:replicas": {}, 'k:{"name":"a"}': {".": {}}}},
            }
        ],
    },
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a"}]}}},
    "status": {
        "observedGeneration": 2,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 1,
        "conditions": [{"type": "Progressing", "status": "False", "reason": "X", "message": "y"}],
        "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
    },
}
_STATUS = {
    "kind": "Status",
    "code": 422,
    "reason": "Invalid",
    "message": 'Deployment.apps "web" is invalid: spec.x: Invalid value: "hunter2": no',
    "details": {
        "kind": "deployments",
        "name": "web",
        "causes": [{"field": "spec.x", "message": "no", "reason": "FieldValueInvalid"}],
        "retryAfterSeconds": 3,
    },
}
_GROUPS = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "apps"},
            "versions": [
                {
                    "version": "v1",
                    "freshness": "Current",
                    "resources": [
                        {
                            "resource": "deployments",
                            "responseKind": {"kind": "Deployment"},
                            "scope": "Namespaced",
                            "verbs": ["get", "list", "watch", "patch", "delete", "create"],
                            "subresources": [{"subresource": "status"}],
                        }
                    ],
                }
            ],
        }
    ],
}
_OLD_GROUPS = {
    "groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]}],
    "resources": [{"name": "a", "kind": "A", "namespaced": True, "verbs": ["get"]}],
}
_ROW = {
    "target": "default/shop@dev",
    "revision": "abc",
    "by": "git",
    "since": "2026-01-01T00:00:00+00:00",
    "until": "2026-01-01T00:00:00+00:00",
    "traceparent": "",
    "subject": "default/shop@dev",
    "cause": "PruneOverBudget",
    "reason": "because",
    "content": "x",
    "who": "ana",
    "name": "h",
    "hold": "h",
    "plan_hash": "x",
    "steps": "[]",
    "state": "{}",
    "body": "{}",
}
_READ_ROWS = (read_grant, read_hold, read_approval, read_target, read_intent)
_RESOURCE = Resource("apps", "v1", "Deployment", "deployments", True)


class _Transport:
    """Gives one body, whatever is asked for; a stream is its lines."""

    cluster = "dev"

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def request(self, *args: Any, **asked: Any) -> Answer:
        return Answer(200, {}, self._body)

    @asynccontextmanager
    async def stream(self, *args: Any, **asked: Any) -> AsyncGenerator[Any, None]:
        async def lines() -> AsyncGenerator[bytes, None]:
            for line in self._body.split(b"\n"):
                yield line

        async with aclosing(lines()) as all_lines:
            yield Answer(200, {}, b""), all_lines


class _Sink:
    """Looks at every object as a session does."""

    def list_began(self, resource: Resource, namespace: str) -> None: ...

    def appeared(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        assert isinstance(glance.name, str)

    vanished = appeared

    def went_back(self, resource: Resource) -> None: ...

    async def listed(self, resource: Resource, names: frozenset[Any], namespace: str) -> None: ...


class _NoGuard:
    def forbidden(self, namespace: str) -> None: ...

    allowed = forbidden


def _watch(body: bytes) -> Watch:
    transport = cast(Transport, _Transport(body))
    return Watch(transport, _RESOURCE, "a=b", _Sink(), _NoGuard(), clock=time.monotonic)


async def _read_watch(text: bytes) -> object:
    return await _watch(text)._watch()


async def _read_list(text: bytes) -> object:
    return await _watch(text)._list()


async def _read_discovery(text: bytes) -> object:
    transport = cast(Transport, _Transport(text))
    return await Discovery(transport, {}, time.monotonic).current()


def _read_object(text: bytes) -> object:
    """An object of ours; its metadata has the types that every API server insists on."""
    body = orjson.loads(text)
    if not isinstance(body, dict):
        return None
    body["metadata"] = _OBJECT["metadata"]
    whose(body, _KEY, fleet="test")
    owner_named(body, _KEY, fleet="test")
    for kind in (None, GroupKind("batch", "Job"), GroupKind("", "Pod"), GroupKind("x.io", "X")):
        assess(body, kind, has_status=True)
    return None


def _read_refusal(text: bytes) -> object:
    code, _, body = text.partition(b"\n")
    status = int(code) if code.isdigit() and len(code) < 4 else 500
    told(read_answer(status, body), _KEY)
    error = meaning(status, body, key=_KEY, cluster="dev", verb="patch")
    return str(error)


async def _read_kubeconfig(text: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        host = make_host(Path(folder))
        assert host.base_folder is not None
        (host.base_folder / "kubeconfig").write_bytes(text)
        endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
        return await endpoint.credential()


def _read_lifetimes(text: bytes) -> object:
    token = text.decode("utf-8", "replace")
    return lifetime_of_token(token), lifetime_of_certificate(text)


def _mapping(text: bytes) -> dict[str, Any]:
    found = orjson.loads(text)
    return found if isinstance(found, dict) else {}


def _read_rows(text: bytes) -> object:
    row = {name: str(value) for name, value in _mapping(text).items()}
    for read in _READ_ROWS:
        try:
            read(cast(RowMapping, row))
        except (KeyError, ValueError, ShoalError):
            continue
    return parse_owner_mark(str(row)), TargetKey(Ref("a", "b"), "c"), decode(text)


_EVENTS = b"\n".join(
    orjson.dumps({"type": kind, "object": _OBJECT if kind != "ERROR" else _STATUS})
    for kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
)
_PAGE = orjson.dumps({"metadata": {"resourceVersion": "1"}, "items": [_OBJECT, _OBJECT]})
CLUSTER_TARGETS = (
    Target("watches", _read_watch, (ShoalError,), (_EVENTS, _EVENTS.rpartition(b"\n")[0])),
    Target("lists", _read_list, (ShoalError,), (_PAGE, b'{"metadata":{},"items":null}')),
    Target(
        "discovery",
        _read_discovery,
        (ShoalError,),
        (orjson.dumps(_GROUPS), orjson.dumps(_OLD_GROUPS)),
    ),
    Target("objects", _read_object, (orjson.JSONDecodeError,), (orjson.dumps(_OBJECT),)),
    Target(
        "refusals",
        _read_refusal,
        (),
        tuple(b"%d\n" % code + orjson.dumps(_STATUS) for code in (422, 403, 409, 404, 500)),
    ),
    Target("kubeconfigs", _read_kubeconfig, (ShoalError,), (_KUBECONFIG, _KUBECONFIG_EXEC)),
    Target(
        "lifetimes", _read_lifetimes, (), (b"a.eyJleHAiOiAxfQ.b", b"-----BEGIN CERTIFICATE-----")
    ),
    Target("rows", _read_rows, (orjson.JSONDecodeError,), (orjson.dumps(_ROW),)),
)
