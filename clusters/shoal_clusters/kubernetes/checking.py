"""What is refused before it is sent: the API server would say no too, later and less clearly.

Each check takes a body and returns complaints: sentences that begin with the path of the fault and
never hold a value of a Secret. All complaints about one object are reported together.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shoal_clusters.kubernetes.marks import APPLICATION_LABEL, FLEET_LABEL, OWNER_ANNOTATION

DATA_LIMIT = 1024 * 1024
"""Bytes of all values of one ConfigMap or Secret (MaxSecretSize in Kubernetes' core API)."""
ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotations of one object (TotalAnnotationSizeLimitB in k8s.io/apimachinery)."""
REQUEST_LIMIT = 3 * 1024 * 1024
"""Bytes of one request (MaxRequestBodyBytes in k8s.io/apiserver)."""

_OUR_MARKS = frozenset({FLEET_LABEL, APPLICATION_LABEL, OWNER_ANNOTATION})

# The keyed lists (`+listMapKey` in k8s.io/api) that people write, with their key fields. Two items
# with one key make server-side apply fail for the whole object with a 500.
_POD_LISTS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "schedulingGates": ("name",),
    "resourceClaims": ("name",),
}
_CONTAINER_LISTS: Mapping[str, tuple[str, ...]] = {
    "ports": ("containerPort", "protocol"),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
}
_SERVICE_LISTS: Mapping[str, tuple[str, ...]] = {"ports": ("port", "protocol")}
_WEBHOOK_LISTS: Mapping[str, tuple[str, ...]] = {"webhooks": ("name",)}
_KEY_DEFAULTS = {"protocol": "TCP"}
CONTAINER_FIELDS = ("containers", "initContainers", "ephemeralContainers")

_TEMPLATED = ("spec", "template", "spec")
_POD_SPECS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): _TEMPLATED,
    ("apps", "Deployment"): _TEMPLATED,
    ("apps", "StatefulSet"): _TEMPLATED,
    ("apps", "DaemonSet"): _TEMPLATED,
    ("apps", "ReplicaSet"): _TEMPLATED,
    ("batch", "Job"): _TEMPLATED,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}


def pod_spec_path(group: str, kind: str) -> tuple[str, ...] | None:
    """Where a built-in kind keeps its pod spec; None when it has none."""
    return _POD_SPECS.get((group, kind))


def at_path(body: Any, path: Sequence[str]) -> Any:
    """The value at a path of mappings; None when anything on the way is missing."""
    for step in path:
        if not isinstance(body, Mapping):
            return None
        body = body.get(step)
    return body


def complaints(group: str, kind: str, body: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with one object as it was written."""
    checks: tuple[Callable[[str, str, Mapping[str, Any]], Iterator[str]], ...] = (
        _metadata,
        _encryption,
        _duplicates,
        _data,
    )
    return [fault for check in checks for fault in check(group, kind, body)]


def too_large(body: Mapping[str, Any], content: bytes) -> list[str]:
    """What exceeds the API server's limits in an object that is ready to be sent."""
    found = []
    annotations = body["metadata"].get("annotations") or {}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        found.append(
            f"metadata.annotations: {size} bytes, and Kubernetes takes {ANNOTATIONS_LIMIT}"
        )
    if len(content) > REQUEST_LIMIT:
        found.append(f"the object: {len(content)} bytes, and Kubernetes takes {REQUEST_LIMIT}")
    return found


def _metadata(group: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    metadata = body["metadata"]
    for part in ("labels", "annotations"):
        entries = metadata.get(part) or {}
        if not isinstance(entries, Mapping):
            yield f"metadata.{part}: expected a mapping"
            continue
        for name, value in entries.items():
            if not isinstance(value, str):
                yield f"metadata.{part}.{name}: expected text, so put it in quotes"
            if name in _OUR_MARKS:
                yield f"metadata.{part}.{name}: Shoal's own mark, which may not stand in a source"


def _encryption(group: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    sops = body.get("sops")
    if isinstance(sops, Mapping) and ("mac" in sops or "version" in sops):
        yield "sops: still encrypted by SOPS, and nothing here decrypts it"


def _duplicates(group: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    if (group, kind) == ("", "Service"):
        yield from _duplicates_in(at_path(body, ("spec",)), "spec", _SERVICE_LISTS)
    if group == "admissionregistration.k8s.io":
        yield from _duplicates_in(body, "", _WEBHOOK_LISTS)
    path = pod_spec_path(group, kind)
    if path is None:
        return
    pod, where = at_path(body, path), ".".join(path)
    yield from _duplicates_in(pod, where, _POD_LISTS)
    for name in CONTAINER_FIELDS:
        containers = at_path(pod, (name,))
        if isinstance(containers, list):
            for at, container in enumerate(containers):
                yield from _duplicates_in(container, f"{where}.{name}[{at}]", _CONTAINER_LISTS)


def _duplicates_in(holder: Any, where: str, lists: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if not isinstance(holder, Mapping):
        return
    for name, keys in lists.items():
        seen: dict[str, int] = {}
        items = holder.get(name)
        for at, item in enumerate(items if isinstance(items, list) else ()):
            if not isinstance(item, Mapping):
                continue
            text = ", ".join(
                f"{key} {item.get(key) or _KEY_DEFAULTS.get(key, '(none)')}" for key in keys
            )
            first = seen.setdefault(text, at)
            if first != at:
                path = f"{where}.{name}" if where else name
                yield f"{path}[{at}]: the same {text} as {path}[{first}]"


def _data(group: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    """ConfigMaps and Secrets: values are text, encoded ones are base64, and the sum is bounded."""
    if group or kind not in ("ConfigMap", "Secret"):
        return
    encoded = "data" if kind == "Secret" else "binaryData"
    size = 0
    for part in ("data", "stringData" if kind == "Secret" else "binaryData"):
        entries = body.get(part) or {}
        if not isinstance(entries, Mapping):
            yield f"{part}: expected a mapping"
            continue
        for name, value in entries.items():
            if value is None:
                continue
            length = _length(value, is_encoded=part == encoded)
            if isinstance(length, str):
                yield f"{part}.{name}: {length}"
            else:
                size += length
    if size > DATA_LIMIT:
        yield f"data: {size} bytes of values, and Kubernetes takes {DATA_LIMIT}"


def _length(value: Any, *, is_encoded: bool) -> int | str:
    """Bytes of one value, or what is wrong with it."""
    if not isinstance(value, str):
        return "expected text, so put it in quotes"
    if not is_encoded:
        return len(value.encode())
    try:
        # Go's decoder skips line ends and nothing else.
        return len(base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True))
    except (binascii.Error, ValueError):
        return "not base64"
