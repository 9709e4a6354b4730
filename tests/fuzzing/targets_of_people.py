"""What people and their programs write: documents, requests, webhooks, expressions, overrides."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.types import Message
from tests.fuzzing.trying import Target

from shoal.api.bodies import AdoptBody, DiffBody, ReasonBody, SuspendBody, SyncBody, read_json
from shoal.api.webhooks import verified_forge
from shoal.composition.loading import load_plugins
from shoal.documents.loading import load
from shoal.errors import ShoalError
from shoal.model.durations import parse_duration
from shoal.model.expressions import check, evaluate
from shoal.model.manifests import Manifest
from shoal.model.masking import masked_body
from shoal.model.overrides import Override
from shoal.model.scalars import resolve_plain
from shoal.model.yaml import NotYaml, read_yaml
from shoal.planning.overriding import override

_SEAMS = load_plugins().seams
FLEET = b"""\
apiVersion: shoal.dev/v1alpha1
kind: Fleet
metadata: {name: test}
---
apiVersion: shoal.dev/v1alpha1
kind: Cluster
metadata: {name: dev, labels: {env: dev}}
spec:
  access: {kubeconfig: {path: dev.kubeconfig, context: dev}}
  values: {zone: a, replicas: 3}
  limits: {requestsInFlight: 4, timeout: 30s}
---
apiVersion: shoal.dev/v1alpha1
kind: Source
metadata: {name: apps}
spec:
  git: {url: 'https://git.example.com/apps.git', semver: '>=1.2 <2'}
  interval: 1m30s
---
apiVersion: shoal.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source: {ref: apps, path: shop}
  placement: {clusterSelector: {matchExpressions: [{key: env, operator: In, values: [dev]}]}}
  render: {helm: {values: {image: 'x:${cluster.values.zone}'}}}
  sync: {whenDrifted: Correct}
  health: [{target: {kind: Deployment}, healthy: 'object.status.replicas > 1'}]
  gates: [{cel: {allow: 'plan.deletes < 3', message: stop}}]
  overrides:
    - clusterSelector: {}
      merge: [{target: {kind: ConfigMap}, patch: {data: {a: b}}}]
"""
_MANIFEST = b"""\
# a comment
apiVersion: v1
kind: ConfigMap
metadata: &m {name: settings, namespace: default, annotations: {a: "1"}}
data:
  zone: 010
  more: |
    text
  flow: {on: yes, date: 2024-01-01, big: 1_000}
---
{apiVersion: v1, kind: List, items: [{kind: Secret, metadata: &n {name: a}, data: *n}]}
"""
_OBJECT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default", "labels": {"a": "b"}},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}},
}
_SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
_OVERRIDE = b"""\
clusterSelector: {}
values: {zone: '${cluster.values.zone}'}
merge: [{target: {kind: Deployment}, patch: {spec: {replicas: 3, x: null}}}]
patches:
  - target: {kind: Deployment, name: web}
    operations:
      - {op: test, path: /spec/replicas, value: 3}
      - {op: add, path: /spec/template/spec/containers/-, value: {name: b}}
      - {op: move, from: /metadata/labels, path: /metadata/annotations}
images: [{name: a, newTag: '2'}]
exclude: [{kind: Service}]
"""
_BODIES = (SyncBody, AdoptBody, DiffBody, SuspendBody, ReasonBody)
_SECRET = b"a secret of enough characters"
_VALUES = {"object": _OBJECT, "plan": {"deletes": 1, "changes": [{"kind": "A"}]}, "labels": {}}


def _read_documents(text: bytes) -> object:
    return load({"fleet.yaml": text}, _SEAMS)


def _read_override(text: bytes) -> object:
    (document,) = read_yaml(text) or [None]
    made = TypeAdapter(Override).validate_python(document and document.value)
    facts: Mapping[str, Any] = {"values.zone": "a", "name": "dev"}
    return override(
        [Manifest(_OBJECT, "a.yaml"), Manifest(_SERVICE, "b.yaml")],
        [made],
        indexes=[0],
        look=facts.__getitem__,
    )


def _read_expression(text: bytes) -> object:
    source = text.decode("utf-8", "surrogateescape")
    check(source, _VALUES)
    return evaluate(source, _VALUES)


def _read_headers(text: bytes) -> object:
    head, _, body = text.partition(b"\n\n")
    pairs = (line.partition(b": ") for line in head.split(b"\n"))
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, _, value in pairs}
    return verified_forge(headers, body, _SECRET)


async def _read_request(text: bytes) -> object:
    length, _, rest = text.partition(b"\n")

    async def receive() -> Message:
        return {"type": "http.request", "body": rest, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b""}
    scope["headers"] = [(b"content-length", length)]
    refusals: list[ShoalError] = []
    for shape in _BODIES:
        try:
            await read_json(Request(scope, receive), shape, 10_000)
        except ShoalError as error:
            refusals.append(error)
    if len(refusals) == len(_BODIES):
        raise refusals[0]
    return None


def _read_manifests(text: bytes) -> object:
    bodies = [each.value for each in read_yaml(text) if isinstance(each.value, dict)]
    return [masked_body(Manifest(body, "a.yaml").body) for body in bodies]


def _read_scalars(text: bytes) -> object:
    written = text.decode("utf-8", "replace")
    return [resolve_plain(each) for each in written.split("\n")]


def _read_durations(text: bytes) -> object:
    return parse_duration(text.decode("utf-8", "replace"))


PEOPLE_TARGETS = (
    Target("documents", _read_documents, (), (FLEET, *FLEET.split(b"---\n"))),
    Target("manifests", _read_manifests, (NotYaml, ShoalError), (_MANIFEST,)),
    Target(
        "scalars", _read_scalars, (ValueError,), (b"0x1f", b"1_000.5e3", b"2024-01-01", b".inf")
    ),
    Target("durations", _read_durations, (ValueError,), (b"1h2m3s", b"90s", b"0s")),
    Target(
        "overrides",
        _read_override,
        (NotYaml, ValidationError, ValueError, ShoalError),
        (_OVERRIDE,),
    ),
    Target(
        "expressions",
        _read_expression,
        (ValueError, ShoalError),
        (
            b"object.status.replicas > 1 && has(object.spec.paused)",
            b"plan.changes.all(c, c.kind in ['A', \"B\"]) ? 'x' + string(1.5) : size([1, 2])",
            b"plan.changes.filter(c, c.kind.matches('^A.*')).map(c, [c, {'a': c}]).size() == 1u",
            b"timestamp('2024-01-01T00:00:00Z') - duration('1h') < timestamp('2023-01-01T0:0:0Z')",
        ),
    ),
    Target(
        "webhooks",
        _read_headers,
        (),
        (
            b"X-Hub-Signature-256: sha256="
            + hmac.new(_SECRET, b"{}", sha256).hexdigest().encode()
            + b"\nX-GitHub-Delivery: a\n\n{}",
            b"X-Gitlab-Token: " + _SECRET + b"\nX-Gitea-Signature: x\n\n{}",
        ),
    ),
    Target(
        "requests",
        _read_request,
        (ShoalError,),
        (
            b"100\n" + orjson.dumps({"reason": "because", "until": "2026-01-01T00:00:00Z"}),
            b"100\n" + orjson.dumps({"objects": ["a"], "clusters": ["b"], "revision": "c"}),
            b"100\n{}",
        ),
    ),
)
