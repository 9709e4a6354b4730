"""What a cluster serves: kinds, their plurals, scopes and versions, in two requests.

Aggregated discovery (KEP-3352) answers for all groups at once. A group whose server is down is
reported as stale, never as empty: what was known of it stays known, so that nothing that lives
there is ever taken for gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import anyio
import msgspec

from shoal.errors import ServerBusy
from shoal.model.digests import digest_bytes
from shoal.model.identity import GroupKind
from shoal_clusters.transport import Transport

ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    # 1.26 to 1.29 speak only the beta of it; before that, the old form is answered.
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
REFRESH_SECONDS = 5.0
"""A missing kind asks for a new look at most this often, whatever asks for it."""


T = TypeVar("T")


class Resource(NamedTuple):
    """One kind in one version, and where it is served."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool
    has_status: bool = False

    @property
    def group_kind(self) -> GroupKind:
        """The kind without its version."""
        return GroupKind(self.group, self.kind)

    @property
    def root(self) -> str:
        """The path that lists this resource over all namespaces."""
        start = f"/apis/{self.group}" if self.group else "/api"
        return f"{start}/{self.version}/{self.plural}"

    def in_namespace(self, namespace: str) -> str:
        """The path that lists this resource in one namespace."""
        start = f"/apis/{self.group}" if self.group else "/api"
        return f"{start}/{self.version}/namespaces/{namespace}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        if not self.is_namespaced:
            return f"{self.root}/{name}"
        return f"{self.in_namespace(namespace)}/{name}"


_NEEDED_VERBS = frozenset({"get", "list", "watch", "patch"})


class _Kind(msgspec.Struct):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Subresource(msgspec.Struct):
    subresource: str = ""


class _Resource(msgspec.Struct):
    resource: str = ""
    responseKind: _Kind = msgspec.field(default_factory=_Kind)
    scope: str = ""
    verbs: tuple[str, ...] = ()
    subresources: tuple[_Subresource, ...] = ()


class _Version(msgspec.Struct):
    version: str
    resources: tuple[_Resource, ...] = ()
    freshness: str = "Current"


class _Metadata(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    versions: tuple[_Version, ...] = ()


class _Groups(msgspec.Struct):
    kind: str
    items: tuple[_Group, ...] = ()


class _OldVersion(msgspec.Struct):
    groupVersion: str
    version: str


class _OldGroup(msgspec.Struct):
    name: str
    versions: tuple[_OldVersion, ...]


class _OldGroups(msgspec.Struct):
    groups: tuple[_OldGroup, ...] = ()


class _OldResource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()


class _OldResources(msgspec.Struct):
    resources: tuple[_OldResource, ...] = ()


class Catalogue:
    """All kinds of one cluster; equal clusters share one. `stale` holds groups not fresh.

    `api_versions` also names what cannot be owned: a chart may ask for any of it.
    """

    def __init__(
        self,
        resources: Iterable[Resource],
        stale: Iterable[str] = (),
        api_versions: Iterable[str] = (),
    ) -> None:
        self._kinds: dict[GroupKind, tuple[Resource, ...]] = {}
        for resource in resources:
            known = self._kinds.get(resource.group_kind, ())
            self._kinds[resource.group_kind] = (*known, resource)
        self.stale = frozenset(stale)
        self.api_versions = tuple(sorted(set(api_versions)))

    def preferred(self, group_kind: GroupKind) -> Resource | None:
        """The resource in the version the server prefers; None when the kind is not served."""
        known = self._kinds.get(group_kind)
        return known[0] if known else None

    def resource(self, group: str, version: str, kind: str) -> Resource | None:
        """The resource in exactly this version; None when it is not served."""
        known = self._kinds.get(GroupKind(group, kind), ())
        return next((found for found in known if found.version == version), None)

    def versions(self, kind: GroupKind) -> frozenset[str]:
        """The versions in which a kind is served; none when it is not."""
        return frozenset(resource.version for resource in self._kinds.get(kind, ()))

    def scopes(self, kinds: Iterable[GroupKind]) -> Mapping[GroupKind, bool]:
        """Whether each kind is namespaced; kinds that are not served are left out."""
        found = ((kind, self.preferred(kind)) for kind in kinds)
        return {kind: resource.is_namespaced for kind, resource in found if resource is not None}

    def __iter__(self) -> Iterator[Resource]:
        return (resource for known in self._kinds.values() for resource in known)


class Discovery:
    """The catalogue of one cluster: read at first use, read again when asked, never emptied."""

    def __init__(
        self,
        transport: Transport,
        shared: dict[str, Catalogue],
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._shared = shared
        self._clock = clock
        self._reading = anyio.Lock()
        self._catalogue: Catalogue | None = None
        self._read_at = 0.0

    async def current(self) -> Catalogue:
        """What is known; one read when nothing is known yet."""
        return self._catalogue or await self._first()

    @property
    def stale(self) -> frozenset[str]:
        """Groups of which the cluster did not say what it serves, as far as it was asked."""
        return self._catalogue.stale if self._catalogue else frozenset()

    def versions(self, kind: GroupKind) -> frozenset[str]:
        """The versions in which a kind is served, as far as is known; asks nobody."""
        return self._catalogue.versions(kind) if self._catalogue else frozenset()

    def has_status(self, kind: GroupKind) -> bool:
        """Whether a kind has a status subresource, as far as is known; asks nobody."""
        resource = self._catalogue.preferred(kind) if self._catalogue else None
        return resource is not None and resource.has_status

    async def refreshed(self, *, at_once: bool = False) -> Catalogue:
        """Read again, unless that was just done; `at_once` when something is known to be new."""
        asked_at = self._clock()
        async with self._reading:
            recent = self._read_at + (0 if at_once else REFRESH_SECONDS) > asked_at
            return self._catalogue if self._catalogue and recent else await self._read()

    async def _first(self) -> Catalogue:
        async with self._reading:
            return self._catalogue or await self._read()

    async def _read(self) -> Catalogue:
        # One after the other: /api is small, and two at once would double the slots of a probe.
        answers = [await self._get(path) for path in ("/api", "/apis")]
        name = digest_bytes(b"\n".join(answers))
        found = self._shared.get(name)
        if found is None:
            groups = [self._decoded(answer, _Groups) for answer in answers]
            if any(one.kind != "APIGroupDiscoveryList" for one in groups):
                found = await self._read_each()
            else:
                found = _catalogue([group for one in groups for group in one.items])
            self._shared[name] = found
        self._catalogue = _merged(self._catalogue, found)
        self._read_at = self._clock()
        return self._catalogue

    async def _read_each(self) -> Catalogue:
        """The form before 1.26: a request per group and version, once per connection."""
        groups = self._decoded(await self._get("/apis"), _OldGroups).groups
        paths = [("", "v1", "/api/v1")]
        paths += [
            (g.name, v.version, f"/apis/{v.groupVersion}") for g in groups for v in g.versions
        ]
        resources: list[Resource] = []
        stale: set[str] = set()
        served: list[str] = []
        for group, version, path in paths:
            try:
                found = self._decoded(await self._get(path), _OldResources).resources
            except ServerBusy:
                stale.add(group)
                continue
            served += _api_versions(group, version, (one.kind for one in found))
            names = {one.name for one in found}
            resources += [
                Resource(
                    *(group, version, one.kind, one.name, one.namespaced),
                    has_status=f"{one.name}/status" in names,
                )
                for one in found
                if "/" not in one.name and set(one.verbs) >= _NEEDED_VERBS
            ]
        return Catalogue(resources, stale, served)

    def _decoded(self, body: bytes, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ServerBusy(
                f"cluster {self._transport.cluster} told what it serves in a form that cannot be "
                f"read: {error}"
            ) from error

    async def _get(self, path: str) -> bytes:
        answer = await self._transport.request("GET", path, accept=ACCEPT)
        if answer.status != 200:
            raise ServerBusy(
                f"cluster {self._transport.cluster} answered {answer.status} when asked what it "
                f"serves at {path}",
                after_seconds=answer.after_seconds,
            )
        return answer.body


def _catalogue(groups: Iterable[_Group]) -> Catalogue:
    resources: list[Resource] = []
    stale: set[str] = set()
    served: list[str] = []
    for group in groups:
        name = group.metadata.name
        for version in group.versions:
            if version.freshness == "Stale":
                stale.add(name)
            resources += _resources(name, version)
            kinds = (one.responseKind.kind for one in version.resources)
            served += _api_versions(name, version.version, kinds)
    return Catalogue(resources, stale, served)


def _api_versions(group: str, version: str, kinds: Iterable[str]) -> Iterator[str]:
    """What Helm calls API versions: the group and version alone, and with each kind."""
    served = f"{group}/{version}" if group else version
    yield served
    yield from (f"{served}/{kind}" for kind in kinds if kind)


def _resources(group: str, version: _Version) -> Iterable[Resource]:
    for one in version.resources:
        # A kind that cannot be watched and patched (reviews, bindings) cannot be owned.
        if not set(one.verbs) >= _NEEDED_VERBS:
            continue
        yield Resource(
            group,
            version.version,
            one.responseKind.kind,
            one.resource,
            one.scope == "Namespaced",
            any(each.subresource == "status" for each in one.subresources),
        )


def _merged(before: Catalogue | None, now: Catalogue) -> Catalogue:
    """Keep what was known of the groups that are stale now."""
    if before is None or not now.stale:
        return now
    kept = (resource for resource in before if resource.group in now.stale)
    served = (version for version in before.api_versions if version.partition("/")[0] in now.stale)
    return Catalogue(dict.fromkeys((*now, *kept)), now.stale, (*now.api_versions, *served))
