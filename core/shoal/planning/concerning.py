"""Whether an Alert is about an event: its sort, whose it is, and what the expression says.

An expression that reads what is not there says no; one that cannot be evaluated otherwise says yes:
rather one message too many than one too few. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from shoal.errors import ExpressionFailed, MissingField
from shoal.model.alert_policies import AlertSpec, Namespaces
from shoal.model.alerts import Event, Stage
from shoal.model.documents import Alert
from shoal.model.expressions import is_true
from shoal.model.facts import DocumentFacts
from shoal.model.selectors import LabelSelector

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the documents say of who an event is about: labels by `namespace/name`, and clusters."""

    applications: Mapping[str, Labels] = field(default_factory=dict[str, Labels])
    clusters: Mapping[str, DocumentFacts] = field(default_factory=dict[str, DocumentFacts])


def concerns(alert: Alert, event: Event, fleet: Fleet) -> bool:
    """Whether this Alert tells this event; an ending is told when its beginning was."""
    spec = alert.spec
    if event.kind not in spec.events:
        return False
    if event.stage is Stage.ENDED:
        return True
    is_own = spec.applications.namespaces is Namespaces.ALL or event.namespace in (
        "",
        alert.metadata.namespace,
    )
    return (
        is_own
        and _is_application(spec, event, fleet)
        and _is_cluster(spec, event, fleet)
        and (spec.when is None or _holds(spec.when, event, fleet))
    )


def _is_application(spec: AlertSpec, event: Event, fleet: Fleet) -> bool:
    if not event.application:
        return True
    name, labels = event.application.partition("/")[2], fleet.applications.get(event.application)
    return _is_chosen(spec.applications.names, spec.applications.selector, name, labels or {})


def _is_cluster(spec: AlertSpec, event: Event, fleet: Fleet) -> bool:
    if not event.cluster:
        return True
    facts = fleet.clusters.get(event.cluster, DocumentFacts(event.cluster))
    return _is_chosen(spec.clusters.names, spec.clusters.selector, event.cluster, facts.labels)


def _is_chosen(
    names: Sequence[str], selector: LabelSelector | None, name: str, labels: Labels
) -> bool:
    is_named = not names or any(fnmatchcase(name, each) for each in names)
    return is_named and (selector is None or selector.matches(labels))


def _holds(expression: str, event: Event, fleet: Fleet) -> bool:
    try:
        return is_true(expression, values_of(event, fleet))
    except MissingField:
        return False
    except ExpressionFailed:
        return True


def values_of(event: Event, fleet: Fleet) -> dict[str, Any]:
    """What an expression sees; texts are empty and mappings too where there is nothing."""
    facts = fleet.clusters.get(event.cluster, DocumentFacts(event.cluster))
    namespace, _, name = event.application.rpartition("/")
    return {
        "event": {
            "kind": event.kind.value,
            "stage": event.stage.value,
            "what": event.what,
            "subject": event.subject,
            "who": event.who,
            "change": event.change,
            "revision": event.revision,
            "message": event.message,
            "at": event.at,
        },
        "application": {
            "namespace": namespace,
            "name": name,
            "labels": dict(fleet.applications.get(event.application, {})),
        },
        "cluster": {
            "name": event.cluster,
            "labels": dict(facts.labels),
            "values": dict(facts.values),
        },
    }
