"""The catalog: the last valid version of every document, and where each came from.

The engine works from it alone. `merge` lays what was just read over what was known: what cannot be
read stays as it was and is marked stale; a document is gone only when its file is gone, or was read
without a problem and no longer has it; a fleet that is empty, or has no Fleet, changes nothing.
Missing information is never deletion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from shoal.documents.depending import circles, dependents_of
from shoal.documents.loading import Identity, Loaded, Located
from shoal.documents.problems import Problem
from shoal.errors import InvalidDocument
from shoal.model.choice import nearest
from shoal.model.documents import (
    Alert,
    AnyDocument,
    Application,
    Cluster,
    Fleet,
    FleetSpec,
    Source,
    SourceSpec,
)
from shoal.model.identity import Ref

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document stands, and why it could not be read again if it is `stale`."""

    file: str
    line: int
    stale: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the fleet is, as far as could be read; never changed in place.

    `sources` holds inline sources too, under `Application.source_ref`. A source that an application
    refers to may be missing from it. `unknown`: documents that were there before a restart and
    whose file cannot be read now (identity → file): what came from them is to be kept. `problems`:
    all of the last load, and why documents are stale. `is_kept`: the last load said nothing about
    the fleet, all of this is older. `spec` is that of the Fleet. `dependents` are those that wait
    for an application, `circles` those that wait for themselves, and the way around.
    """

    fleet: str
    documents: Mapping[Identity, AnyDocument] = field(repr=False)
    clusters: Mapping[str, Cluster] = field(repr=False)
    sources: Mapping[Ref, SourceSpec] = field(repr=False)
    applications: Mapping[Ref, Application] = field(repr=False)
    origins: Mapping[Identity, Origin] = field(repr=False)
    unknown: Mapping[Identity, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    is_kept: bool = False
    spec: FleetSpec = field(default=FleetSpec())
    dependents: Mapping[Ref, tuple[Ref, ...]] = field(default_factory=dict)
    circles: Mapping[Ref, tuple[Ref, ...]] = field(default_factory=dict)
    alerts: Mapping[Ref, Alert] = field(default_factory=dict[Ref, Alert], repr=False)

    @property
    def stale(self) -> Mapping[Identity, Origin]:
        """The documents whose last valid version is older than their file."""
        return {identity: each for identity, each in self.origins.items() if each.stale}

    def source_of(self, document: Application) -> SourceSpec:
        """The source of an application; InvalidDocument when none of that name can be read."""
        ref = document.source_ref
        if ref in self.sources:
            return self.sources[ref]
        file = self.unknown.get(Identity("Source", *ref))
        if file is not None:
            raise InvalidDocument(
                f"source {ref} of application {document.ref}: its document, in {file}, "
                "cannot be read",
                next_step="see shoal status, or run shoal validate",
            )
        meant = nearest(str(ref), [str(each) for each in self.sources])
        raise InvalidDocument(
            f"application {document.ref} names source {ref}, and there is no such Source",
            next_step=f"did you mean {meant}?" if meant else "write it, or correct spec.source.ref",
        )


def merge(
    previous: Catalog | None,
    loaded: Loaded,
    remembered: Mapping[Identity, str] | None = None,
    name: str = "",
) -> Catalog | None:
    """The catalog from now on; None while there has never been a valid Fleet.

    `remembered`: identity → file of what was known before a restart, from the state; `name` is that
    of the fleet then. Merging the same files again gives an equal catalog.
    """
    known = previous.documents if previous is not None else {}
    kept = {
        identity: Located(known[identity], origin.file, origin.line)
        for identity, origin in (previous.origins if previous is not None else {}).items()
        if identity not in loaded.documents and _may_be_there(identity, origin.file, loaded)
    }
    entries = {**kept, **loaded.documents}
    fleets = [each for identity, each in entries.items() if identity.kind == "Fleet"]
    if previous is not None and not fleets:
        return replace(previous, problems=loaded.problems, is_kept=True)
    if not fleets:
        return None
    earlier = {**(remembered or {}), **(previous.unknown if previous is not None else {})}
    unknown = {
        identity: file
        for identity, file in earlier.items()
        if identity not in entries and _may_be_there(identity, file, loaded)
    }
    # One that was gone and is back, and cannot be read: it was not removed after all.
    unknown |= {
        identity: problems[0].file
        for identity, problems in loaded.broken.items()
        if identity not in entries and identity not in unknown and problems
    }
    before = previous.fleet if previous is not None else name
    name, problems = _name_fleet(before, fleets, loaded.problems)
    origins = {
        identity: Origin(each.file, each.line, _reasons(identity, each.file, loaded, kept))
        for identity, each in entries.items()
    }
    problems = tuple(sorted({*problems, *(each for one in origins.values() for each in one.stale)}))
    documents = {identity: each.document for identity, each in entries.items()}
    return _catalog(name, documents, origins, unknown, problems)


def keep(
    catalog: Catalog, identities: Mapping[Identity, str], known: Mapping[Identity, Located]
) -> Catalog:
    """The catalog with documents that are not written any more, and are not to go yet.

    `identities` with the file where each stood; what is `known` is kept in its last version, the
    others by name.
    """
    if not identities:
        return catalog
    found = {identity: known[identity] for identity in identities if identity in known}
    unknown = {each: file for each, file in identities.items() if each not in known}
    origins = {identity: Origin(each.file, each.line) for identity, each in found.items()}
    documents = {identity: each.document for identity, each in found.items()}
    return _catalog(
        catalog.fleet,
        {**catalog.documents, **documents},
        {**catalog.origins, **origins},
        {**catalog.unknown, **unknown},
        catalog.problems,
    )


def _may_be_there(identity: Identity, file: str, loaded: Loaded) -> bool:
    """Whether a document that was not read may still be written somewhere."""
    return identity in loaded.broken or file in loaded.troubled


def _reasons(
    identity: Identity, file: str, loaded: Loaded, kept: Mapping[Identity, Located]
) -> tuple[Problem, ...]:
    if identity not in kept:
        return ()
    return tuple(loaded.broken.get(identity) or loaded.troubled.get(file, ()))


def _name_fleet(
    before: str, fleets: list[Located], problems: tuple[Problem, ...]
) -> tuple[str, tuple[Problem, ...]]:
    """The fleet's name stays what it was: everything that is owned is marked with it."""
    names = {each.document.metadata.name: each for each in fleets}
    if not before or before in names:
        return before or next(iter(names)), problems
    found = fleets[0]
    problem = Problem(
        found.file,
        found.line,
        "metadata.name",
        f"the name of the fleet changed, and stays {before} in this controller",
        expected=before,
        next_step="put the name back: every object that the fleet owns is marked with it; another "
        "fleet needs a state folder of its own",
    )
    return before, tuple(sorted({*problems, problem}))


def _catalog(
    fleet: str,
    documents: Mapping[Identity, AnyDocument],
    origins: Mapping[Identity, Origin],
    unknown: Mapping[Identity, str],
    problems: tuple[Problem, ...],
) -> Catalog:
    clusters: dict[str, Cluster] = {}
    sources: dict[Ref, SourceSpec] = {}
    applications: dict[Ref, Application] = {}
    alerts: dict[Ref, Alert] = {}
    spec = FleetSpec()
    for document in documents.values():
        match document:
            case Cluster():
                clusters[document.metadata.name] = document
            case Source():
                sources[document.ref] = document.spec
            case Application():
                applications[document.ref] = document
                if document.spec.source.choice is not None:
                    inline = SourceSpec(choice=document.spec.source.choice)
                    sources[document.source_ref] = inline
            case Alert():
                alerts[document.ref] = document
            case Fleet():
                spec = document.spec
    return Catalog(
        fleet,
        documents,
        clusters,
        sources,
        applications,
        origins,
        unknown,
        problems,
        spec=spec,
        dependents=dependents_of(applications),
        circles=circles(applications),
        alerts=alerts,
    )


@dataclass(frozen=True, slots=True)
class Difference(Generic[K]):
    """What came, what is another now, and what went."""

    added: frozenset[K] = frozenset()
    changed: frozenset[K] = frozenset()
    removed: frozenset[K] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Changes:
    """What two catalogs differ in. A changed comment or line number is no change."""

    clusters: Difference[str]
    sources: Difference[Ref]
    applications: Difference[Ref]
    alerts: Difference[Ref] = field(default_factory=lambda: Difference[Ref]())

    def __bool__(self) -> bool:
        return any((self.clusters, self.sources, self.applications, self.alerts))


def changes(previous: Catalog | None, current: Catalog) -> Changes:
    """What the engine has to look at; everything is added when there was no catalog.

    What was known by name only is removed when it is not even that any more.
    """
    if previous is None:
        return Changes(
            _added(current.clusters),
            _added(current.sources),
            _added(current.applications),
            _added(current.alerts),
        )
    names = previous.unknown.keys() - current.unknown.keys() - current.documents.keys()
    clusters = frozenset(each.name for each in names if each.kind == "Cluster")
    sources = frozenset(_ref(each) for each in names if each.kind == "Source")
    applications = frozenset(_ref(each) for each in names if each.kind == "Application")
    alerts = frozenset(_ref(each) for each in names if each.kind == "Alert")
    return Changes(
        _difference(previous.clusters, current.clusters, clusters),
        _difference(previous.sources, current.sources, sources),
        _difference(previous.applications, current.applications, applications),
        _difference(previous.alerts, current.alerts, alerts),
    )


def _ref(identity: Identity) -> Ref:
    return Ref(identity.namespace, identity.name)


def _added(keys: Iterable[K]) -> Difference[K]:
    return Difference(added=frozenset(keys))


def _difference(
    before: Mapping[K, object], after: Mapping[K, object], gone: frozenset[K]
) -> Difference[K]:
    shared = before.keys() & after.keys()
    return Difference(
        frozenset(after.keys() - before.keys()),
        frozenset(key for key in shared if before[key] != after[key]),
        frozenset(before.keys() - after.keys()) | gone,
    )
