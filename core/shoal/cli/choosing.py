"""Which documents of a local fleet an offline command is about, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from shoal.cli.fleet_folder import read_documents
from shoal.cli.kinds import split_name
from shoal.errors import InvalidDocument, UnknownName
from shoal.model.phrases import some_of

if TYPE_CHECKING:
    from shoal.cli.fleet_source import FleetSource
    from shoal.composition.loading import Plugins
    from shoal.documents import Catalog, Identity, Problem
    from shoal.model.documents import Application
    from shoal.telemetry.masking import Masking

    Broken = Mapping[Identity, tuple[Problem, ...]]

_SHOWN = 8


def read_catalog(fleet: FleetSource, plugins: Plugins, masking: Masking) -> tuple[Catalog, Broken]:
    """The fleet's documents, and those that cannot be used; what is wrong is a warning."""
    from shoal.documents import merge

    loaded = read_documents(fleet.files(plugins, masking), plugins)
    catalog = merge(None, loaded)
    if catalog is None:
        raise fleet.holds_none()
    return catalog, loaded.broken


def chosen_applications(
    catalog: Catalog, broken: Broken, application: str | None, namespace: str | None
) -> tuple[Application, ...]:
    """The application that was named, or all of them (of one namespace)."""
    from shoal.documents import Identity
    from shoal.model.identity import Ref

    known = catalog.applications
    if application is not None:
        ref = Ref(*split_name(application, namespace))
        _refuse_broken(broken, Identity("Application", *ref))
        if ref not in known:
            raise _unknown("application", str(ref), map(str, sorted(known)))
        return (known[ref],)
    found = [known[ref] for ref in sorted(known) if namespace in (None, ref.namespace)]
    if not found:
        where = f"namespace {namespace}" if namespace else "this fleet"
        raise UnknownName(f"there is no application in {where}")
    return tuple(found)


def chosen_clusters(
    catalog: Catalog, broken: Broken, documents: Sequence[Application], cluster: str | None
) -> tuple[str, ...]:
    """The cluster that was named, or all on which one of the applications is placed."""
    from shoal.planning.placing import place

    if cluster is not None:
        refuse_unknown_cluster(catalog, broken, cluster)
    placed = sorted({name for each in documents for name in place(each, catalog.clusters)})
    what = f"application {documents[0].ref}" if len(documents) == 1 else "each of them"
    if not placed:
        raise UnknownName(
            f"{what} is placed on no cluster",
            next_step="see placement.clusterSelector, and the labels of the clusters",
        )
    if cluster is not None and cluster not in placed:
        raise UnknownName(
            f"{what} is placed on other clusters than {cluster}",
            next_step=f"placed on {some_of(placed, _SHOWN)}",
        )
    return (cluster,) if cluster is not None else tuple(placed)


def refuse_unknown_cluster(catalog: Catalog, broken: Broken, cluster: str) -> None:
    """Raise when there is no such cluster in the documents, or none that can be used."""
    from shoal.documents import Identity

    _refuse_broken(broken, Identity("Cluster", "", cluster))
    if cluster not in catalog.clusters:
        raise _unknown("cluster", cluster, sorted(catalog.clusters))


def _refuse_broken(broken: Broken, identity: Identity) -> None:
    """What was asked for is written, and cannot be used: said instead of there being none."""
    if identity in broken:
        problem, *others = broken[identity]
        more = f", and {len(others)} more" if others else ""
        raise InvalidDocument(f"{identity} cannot be used: {problem.as_text()}{more}")


def _unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    from shoal.model.choice import nearest

    names = list(known)
    near = nearest(name, names)
    return UnknownName(
        f"there is no {kind} {name}" + (f"; did you mean {near}?" if near else ""),
        next_step=f"there is {some_of(names, _SHOWN)}" if names else "",
    )
