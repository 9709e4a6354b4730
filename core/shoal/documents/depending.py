"""Which application waits for which: names that nothing has, and those that wait in a circle.

Told by `loading` of what was just read, and by the catalog of what counts now: an application whose
dependencies cannot come true keeps what it has, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shoal.documents.problems import Problem
from shoal.documents.relating import Identity, LineOf, Located
from shoal.model.choice import nearest
from shoal.model.documents import Application
from shoal.model.identity import Ref

Applications = Mapping[Ref, Application]


def dependents_of(applications: Applications) -> dict[Ref, tuple[Ref, ...]]:
    """For each application that others wait for, those others, sorted."""
    found: dict[Ref, set[Ref]] = {}
    for ref, document in applications.items():
        for dependency in document.dependencies:
            found.setdefault(dependency, set()).add(ref)
    return {ref: tuple(sorted(others)) for ref, others in found.items()}


def circles(applications: Applications) -> dict[Ref, tuple[Ref, ...]]:
    """For each application that waits for itself, one way around: from itself to itself."""
    edges = {ref: each.dependencies for ref, each in applications.items() if each.dependencies}
    _strip_ends(edges)
    ways = {ref: _way_back(ref, edges) for ref in sorted(edges)}
    return {ref: way for ref, way in ways.items() if way}


def _strip_ends(edges: dict[Ref, tuple[Ref, ...]]) -> None:
    """Leave only what leads into a circle, which usually is nothing."""
    while True:
        ends = [ref for ref, others in edges.items() if not any(each in edges for each in others)]
        if not ends:
            return
        for ref in ends:
            del edges[ref]


def _way_back(start: Ref, edges: Mapping[Ref, tuple[Ref, ...]]) -> tuple[Ref, ...]:
    """The shortest way from an application to itself; empty when there is none."""
    ways: list[tuple[Ref, ...]] = [(start,)]
    seen: set[Ref] = set()
    for way in ways:  # grows while it is walked
        for ref in edges.get(way[-1], ()):
            if ref == start:
                return (*way, start)
            if ref not in seen:
                seen.add(ref)
                ways.append((*way, ref))
    return ()


def around(way: Collection[Ref]) -> str:
    """`default/a → default/b → default/a`."""
    return " → ".join(map(str, way))


def find_dependency_problems(
    documents: Mapping[Identity, Located], broken: Collection[Identity], line_of: LineOf
) -> list[Problem]:
    """Applications that wait for one that nobody wrote, or for themselves."""
    applications = {
        each.document.ref: each.document
        for each in documents.values()
        if isinstance(each.document, Application)
    }
    ways = circles(applications)
    problems: list[Problem] = []
    for identity, each in documents.items():
        document = each.document
        if not isinstance(document, Application):
            continue
        for index, ref in enumerate(document.dependencies):
            if not (message := _why_wrong(document.ref, ref, applications, broken, ways)):
                continue
            line = line_of(identity, ("spec", "dependsOn", index))
            beside = (each.name for each in applications if each.namespace == ref.namespace)
            meant = "" if ref in applications else nearest(ref.name, beside) or ""
            field = f"spec.dependsOn[{index}]"
            problems.append(Problem(each.file, line, field, message, suggestion=meant))
    return problems


def _why_wrong(
    ref: Ref,
    dependency: Ref,
    applications: Applications,
    broken: Collection[Identity],
    ways: Mapping[Ref, tuple[Ref, ...]],
) -> str:
    if dependency not in applications and Identity("Application", *dependency) not in broken:
        return f"there is no Application {dependency.name} in namespace {dependency.namespace}"
    way = ways.get(ref, ())
    if len(way) > 1 and way[1] == dependency:
        return f"applications wait for one another in a circle: {around(way)}"
    return ""
