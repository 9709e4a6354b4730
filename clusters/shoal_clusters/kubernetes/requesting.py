"""The requests that Shoal sends about single objects, and nothing about when or why.

Facts measured on kube-apiserver v1.37: an apply whose body carries resourceVersion "1" creates or
answers 409, even with force; one whose body carries a uid answers 422 on `metadata.uid` when
another object has the name, and 409 when there is none. So no request here can ever change an
object that is not the one that was meant. Bodies come `opened`: serialized but for the end of their
metadata, where the precondition goes (see `preparing`). With `dry`, the server goes through all of
it, admission included, and stores nothing.
"""

from __future__ import annotations

from urllib.parse import urlencode

import orjson

from shoal.model.identity import ObjectKey
from shoal.model.masking import is_secret
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.marks import MANAGER
from shoal_clusters.transport import Answer, Transport

# Built-in kinds refuse unknown fields whatever is asked (a typed patch cannot hold them); Strict
# makes custom resources do the same instead of dropping what somebody misspelt.
_WRITE = urlencode({"fieldManager": MANAGER, "fieldValidation": "Strict"})
_APPLY = f"{_WRITE}&force=true"
_DRY = "dryRun=All"
_APPLY_TYPE = "application/apply-patch+yaml"


async def apply_created(
    transport: Transport, resource: Resource, key: ObjectKey, opened: bytes, *, dry: bool = False
) -> Answer:
    """Create the object or change nothing: 201, or 409 when something of the name is there."""
    return await _apply(transport, resource, key, opened + b',"resourceVersion":"1"}}', dry=dry)


async def apply_owned(
    transport: Transport,
    resource: Resource,
    key: ObjectKey,
    opened: bytes,
    uid: str,
    *,
    dry: bool = False,
    careful: bool = False,
) -> Answer:
    """Apply to exactly this object: 200, 409 when it is gone, 422 when another has its name.

    A `careful` one is refused with 409 where others own fields of it with other values.
    """
    exact = b'%b,"uid":%b}}' % (opened, orjson.dumps(uid))
    return await _apply(transport, resource, key, exact, dry=dry, careful=careful)


async def create(
    transport: Transport, resource: Resource, key: ObjectKey, opened: bytes, *, dry: bool = False
) -> Answer:
    """Create the object without server-side apply: 201, or 409 when something is there."""
    root = resource.in_namespace(key.namespace) if resource.is_namespaced else resource.root
    query = f"{_WRITE}&{_DRY}" if dry else _WRITE
    return await transport.request("POST", root, query=query, body=opened + b"}}")


async def replace(
    transport: Transport,
    resource: Resource,
    key: ObjectKey,
    body: bytes,
    *,
    dry: bool = False,
) -> Answer:
    """Put this in the place of the object whose uid and resourceVersion it names, or answer 409."""
    query = f"{_WRITE}&{_DRY}" if dry else _WRITE
    path = resource.path(key.namespace, key.name)
    return await transport.request("PUT", path, query=query, body=body)


def accepted(resource: Resource, form: str = "PartialObjectMetadata") -> str:
    """What is asked for when objects are looked at: of Secrets, the metadata alone (KEP-2157).

    There is no second choice after it: a server that cannot leave the values out says 406.
    """
    return as_metadata(form) if is_secret(resource.group_kind) else "application/json"


def as_metadata(form: str) -> str:
    """What is asked for when the metadata of objects is enough."""
    return f"application/json;as={form};g=meta.k8s.io;v=v1"


async def look(transport: Transport, resource: Resource, key: ObjectKey) -> Answer:
    """The live object, whosever it is; of a Secret, its metadata alone."""
    path = resource.path(key.namespace, key.name)
    return await transport.request("GET", path, accept=accepted(resource))


async def read(transport: Transport, resource: Resource, key: ObjectKey) -> Answer:
    """The live object, whole: for what is known to be ours."""
    return await transport.request("GET", resource.path(key.namespace, key.name))


async def delete(
    transport: Transport,
    resource: Resource,
    key: ObjectKey,
    *,
    uid: str,
    version: str,
    dry: bool = False,
) -> Answer:
    """Delete exactly this object in exactly this version, or answer 409.

    In the background: foreground deletion needs a garbage collector to end, which neither a control
    plane without controllers nor an overloaded one has; what must wait for the dependents of a
    workload waits on facts instead.
    """
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": uid, "resourceVersion": version},
    }
    if dry:
        options["dryRun"] = ["All"]
    path = resource.path(key.namespace, key.name)
    # Where there is a body the server reads no options from the query; its audit log shows it.
    query = _DRY if dry else ""
    return await transport.request("DELETE", path, query=query, body=orjson.dumps(options))


async def _apply(
    transport: Transport,
    resource: Resource,
    key: ObjectKey,
    exact: bytes,
    *,
    dry: bool,
    careful: bool = False,
) -> Answer:
    query = _WRITE if careful else _APPLY
    return await transport.request(
        "PATCH",
        resource.path(key.namespace, key.name),
        query=f"{query}&{_DRY}" if dry else query,
        body=exact,
        content_type=_APPLY_TYPE,
    )
