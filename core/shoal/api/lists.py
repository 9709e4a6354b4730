"""Lists that are read from memory: `GET /api/v1/<path>`, narrowed, sorted and paged.

Every list takes `namespace`, `name`, `application` and `phase` as exact filters (repeatable),
`cluster` as a glob, `labels` as kubectl's `-l`, `where` as a condition (see `where`), `sort` as a
field (`-field`: the other way round), `limit`, and `continue` with what the page before gave. What
fits a page is chosen from the views; only that is turned into JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any

from starlette.datastructures import QueryParams

from shoal.api.answers import as_fields, envelope
from shoal.api.facade import Controller
from shoal.api.fields import Field, Fields, Sort, fields_of
from shoal.api.listing import MOST, Listed, Query, choosing, page_among
from shoal.api.writing import json_content
from shoal.engine.portions import in_portions
from shoal.engine.views.alerts import AlertView
from shoal.engine.views.applications import ApplicationView, TargetView
from shoal.engine.views.changes import DriftView, HoldView
from shoal.engine.views.clusters import ClusterView
from shoal.engine.views.fleet import PluginView, SourceView
from shoal.errors import InvalidQuery
from shoal.model.identity import Ref
from shoal.telemetry.masking import Masking

# Between two turns of the loop, some ms: views that are asked about, and that are written.
_CHOSEN_AT_ONCE = 500
_WRITTEN_AT_ONCE = 50
_EXACT = ("namespace", "name", "application", "phase")


def cluster_of(subject: str) -> str:
    """The cluster that a subject is about, `NAMESPACE/NAME@CLUSTER` or `cluster NAME`; or none."""
    if subject.startswith("cluster "):
        return subject.removeprefix("cluster ")
    return subject.rpartition("@")[2] if "@" in subject else ""


def application_of(subject: str) -> str:
    """The application that a subject is about, `NAMESPACE/NAME[@CLUSTER]`; or none."""
    name = subject.partition("@")[0]
    return name if "/" in name and " " not in name else ""


def namespace_of(subject: str) -> str:
    """The namespace of that application."""
    return application_of(subject).partition("/")[0]


def fields_of_subject(subject: Callable[[Any], str]) -> dict[str, Field]:
    """What the subject of an item says, as fields of the item."""

    def part(name: str, of: Callable[[str], str]) -> Field:
        return Field(name, Sort.TEXT, lambda item: of(subject(item)), {})

    return {
        "namespace": part("namespace", namespace_of),
        "application": part("application", application_of),
        "cluster": part("cluster", cluster_of),
    }


def _clusters_of_hold(hold: HoldView) -> Collection[str]:
    return (cluster_of(hold.subject),)


def _clusters_of_drift(drift: DriftView) -> Collection[str]:
    return drift.clusters


def _cluster(view: TargetView) -> Collection[str]:
    return (view.cluster,)


def _name(cluster: ClusterView) -> Collection[str]:
    return (cluster.name,)


_HOLD_FIELDS: Fields = {
    **fields_of(HoldView),
    **fields_of_subject(attrgetter("subject")),
}

LISTS: Mapping[str, Listed] = {
    each.path: each
    for each in (
        Listed(
            "Application",
            "applications",
            fields_of(ApplicationView),
            ("namespace", "name"),
            comes_sorted=True,
        ),
        Listed(
            "Target",
            "targets",
            fields_of(TargetView),
            ("namespace", "application", "cluster"),
            _cluster,
            comes_sorted=True,
        ),
        Listed("Cluster", "clusters", fields_of(ClusterView), ("name",), _name, comes_sorted=True),
        Listed(
            "Source", "sources", fields_of(SourceView), ("namespace", "name"), comes_sorted=True
        ),
        Listed("Hold", "holds", _HOLD_FIELDS, ("since", "id"), _clusters_of_hold),
        Listed(
            "Drift",
            "drifts",
            fields_of(DriftView),
            ("namespace", "application", "id"),
            _clusters_of_drift,
        ),
        Listed("Alert", "alerts", fields_of(AlertView), ("namespace", "name")),
        Listed("Plugin", "plugins", fields_of(PluginView), ("plugin", "seam", "name")),
    )
}
"""Path → what is listed there. The controller's method has the path's name."""


async def list_answer(
    path: str, controller: Controller, parameters: QueryParams, masking: Masking
) -> bytes:
    """One page of a list in its envelope, as JSON; made in portions, for there may be many."""
    listed = LISTS[path]
    query = query_of(listed, parameters)
    if query.clusters and path == "applications":
        listed = _on_clusters(listed, controller)
    views = await controller.look(path, _meant(listed, query))
    is_chosen = choosing(listed, views, query, datetime.now(UTC))
    chosen = [each async for each in in_portions(views, _CHOSEN_AT_ONCE) if is_chosen(each)]
    page = page_among(listed, chosen, views, query, partial(masking.value, limit=None))
    head = envelope(listed.kind, (), after=page.after, remaining=page.remaining)
    items = [
        json_content(as_fields(view), masking)
        async for view in in_portions(page.items, _WRITTEN_AT_ONCE)
    ]
    return json_content(head, masking).removesuffix(b"]}") + b",".join(items) + b"]}"


def _meant(listed: Listed, query: Query) -> Callable[[Ref], bool]:
    """The applications that are asked for by name, so that the others need not be looked at."""
    named = "application" if "application" in listed.fields else "name"
    namespaces, names = query.exact.get("namespace"), query.exact.get(named)

    def is_meant(ref: Ref) -> bool:
        is_there = namespaces is None or ref.namespace in namespaces
        return is_there and (names is None or ref.name in names)

    return is_meant


def query_of(listed: Listed, parameters: QueryParams) -> Query:
    """What the parameters of a request ask for."""
    exact = {name: parameters.getlist(name) for name in _EXACT if name in parameters}
    for name in exact:
        if name not in listed.fields:
            raise InvalidQuery(f"{listed.path} have no {name}")
    limit = parameters.get("limit")
    return Query(
        exact=exact,
        clusters=parameters.getlist("cluster"),
        labels=parameters.get("labels", ""),
        where=parameters.get("where", ""),
        sort=parameters.get("sort", ""),
        limit=None if limit is None else min(max(1, whole_number(limit)), MOST),
        after=parameters.get("continue", ""),
    )


def whole_number(text: str) -> int:
    """A number in a request; InvalidQuery when it is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidQuery(f"{text!r} is not a whole number")
    return int(text)


def _on_clusters(listed: Listed, controller: Controller) -> Listed:
    """An application is on the clusters of its targets; only they know."""
    places = controller.places()
    return replace(listed, clusters=lambda one: places.get(Ref(one.namespace, one.name), ()))
