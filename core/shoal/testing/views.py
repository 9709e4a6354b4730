"""Views as an engine would make them, of a small fleet that is well; tests change what matters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shoal.engine.views.alerts import AlertView, DestinationView, ResentView
from shoal.engine.views.applications import (
    ApplicationView,
    TargetPhase,
    TargetView,
    TreeObject,
    TreeView,
)
from shoal.engine.views.changes import AdoptionsView, AdoptionView, DiffView, DriftView, HoldView
from shoal.engine.views.clusters import ClusterView
from shoal.engine.views.fleet import FleetView, PluginView, SourceView
from shoal.engine.views.whereabouts import LeadTimes, Whereabout, WhereView
from shoal.model.holds import Hold
from shoal.planning.arriving import Presence

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def fleet_view(**changes: Any) -> FleetView:
    """A fleet that is well and empty."""
    return FleetView(
        **{
            "name": "test",
            "location": "/fleet",
            "revision": "",
            "loaded_at": AT,
            "looked_at": AT,
            "stale_since": None,
            "ready": "True",
            "message": "",
            "problems": (),
            "warnings": (),
            "clusters": 0,
            "clusters_reachable": 0,
            "applications": 0,
            "targets": 0,
            "phases": {},
            "health": {},
            "blocked": 0,
            "holds": 0,
            "state_message": "",
            "state_next_step": "",
            "version": "0",
            "started_at": AT,
            **changes,
        }
    )


def application_view(name: str = "web", **changes: Any) -> ApplicationView:
    """An application that is synced on one cluster."""
    return ApplicationView(
        **{
            "namespace": "default",
            "name": name,
            "labels": {},
            "source": "default/platform",
            "path": name,
            "revision": "main@0123456789abcdef",
            "tried_revision": changes.get("revision", "main@0123456789abcdef"),
            "phase": TargetPhase.SYNCED,
            "health": "Healthy",
            "clusters": 1,
            "synced": 1,
            "objects": 3,
            "blocked": 0,
            "message": "",
            "next_step": "",
            "suspended": False,
            "holds": (),
            "document": f"{name}.yaml:1",
            "sync": {"prune": "AfterHealthy", "whenDrifted": "Correct"},
            **changes,
        }
    )


def target_view(cluster: str = "dev", application: str = "web", **changes: Any) -> TargetView:
    """A target that is synced."""
    return TargetView(
        **{
            "namespace": "default",
            "application": application,
            "cluster": cluster,
            "labels": {},
            "phase": TargetPhase.SYNCED,
            "health": "Healthy",
            "revision": "main@0123456789abcdef",
            "synced_at": AT,
            "since": AT,
            "objects": 3,
            "drifted": 0,
            "blocked": 0,
            "message": "",
            "next_step": "",
            "problems": (),
            "warnings": (),
            "plan_hash": "",
            "trace_id": "",
            **changes,
        }
    )


def cluster_view(name: str = "dev", **changes: Any) -> ClusterView:
    """A cluster that answers."""
    return ClusterView(
        **{
            "name": name,
            "labels": {},
            "reachable": "True",
            "authorized": "True",
            "version": "v1.37.2",
            "circuit": "Closed",
            "slow": "False",
            "since": AT,
            "last_contact": AT,
            "stale_since": None,
            "credential_expiry_time": None,
            "latency_seconds": 0.01,
            "requests_in_flight": 16,
            "transitions": 0,
            "targets": 1,
            "objects": 3,
            "queued": 0,
            "reason": "",
            "message": "",
            "next_step": "",
            "warnings": (),
            "document": f"{name}.yaml:1",
            **changes,
        }
    )


def source_view(name: str = "platform", **changes: Any) -> SourceView:
    """A source that was fetched."""
    return SourceView(
        **{
            "namespace": "default",
            "name": name,
            "type": "git",
            "revision": "main@0123456789abcdef",
            "version": "",
            "fetched_at": AT,
            "author": "Ana",
            "subject": "Bump web",
            "signer": "",
            "ready": "True",
            "message": "",
            "next_step": "",
            "document": f"{name}.yaml:1",
            **changes,
        }
    )


def diff_view(**changes: Any) -> DiffView:
    """An application that is everywhere as Git has it."""
    return DiffView(
        **{
            "namespace": "default",
            "application": "web",
            "revision": "0123456789abcdef",
            "clusters": 1,
            "answered": 1,
            "differences": (),
            "unanswered": (),
            "failed": (),
            **changes,
        }
    )


def adoptions_view(**changes: Any) -> AdoptionsView:
    """What to commit so that the drift of `drift_view` is none."""
    target = {"group": "apps", "kind": "Deployment", "namespace": "default", "name": "web"}
    patch = {"spec": {"replicas": 5}}
    one = AdoptionView(
        object="Deployment.apps default/web",
        clusters=("dev",),
        everywhere=False,
        origin="web/deployment.yaml:1",
        patch=({"op": "replace", "path": "/spec/replicas", "value": 5},),
        override={
            "clusterSelector": {"matchLabels": {"env": "dev"}},
            "merge": [{"target": target, "patch": patch}],
        },
        refused="",
    )
    return AdoptionsView(
        **{
            "namespace": "default",
            "application": "web",
            "adoptions": (one,),
            "unanswered": (),
            **changes,
        }
    )


def drift_view(**changes: Any) -> DriftView:
    """Somebody scaled web on one cluster."""
    return DriftView(
        **{
            "id": "drift-0123456789",
            "namespace": "default",
            "application": "web",
            "kind": "edited",
            "objects": ["Deployment.apps default/web"],
            "clusters": ["dev"],
            "clients": ["kubectl-edit"],
            "since": AT,
            "policy": "Report",
            "patch": ({"op": "replace", "path": "/spec/replicas", "value": 3},),
            "ignore": (
                {"target": {"kind": "Deployment", "name": "web"}, "path": "/spec/replicas"},
            ),
            **changes,
        }
    )


def hold_view(hold: Hold) -> HoldView:
    """A hold as readers are shown it."""
    return HoldView(
        hold.id,
        hold.subject,
        hold.cause,
        hold.reason,
        hold.by,
        hold.since,
        hold.until,
        hold.release,
        hold.group,
        proven=False,
        change_count=0,
        changes=(),
    )


def alert_view(**changes: Any) -> AlertView:
    """An Alert that arrives at its only destination."""
    message, next_step = changes.pop("message", ""), changes.pop("next_step", "")
    ready = "False" if message else "True"
    return AlertView(
        **{
            "namespace": "default",
            "name": "on-call",
            "ready": ready,
            "events": ("Failed", "Held"),
            "delivered_at": AT,
            "waiting": 0,
            "troubles": 0,
            "muted_until": None,
            "message": message,
            "next_step": next_step,
            "destinations": (
                DestinationView(
                    name="webhook",
                    ready=ready,
                    delivered_at=AT,
                    delivered_title="web failed on 50 clusters",
                    waiting=0,
                    behind=0,
                    troubles=0,
                    attempts=1 if message else 0,
                    next_try=None,
                    given_up=0,
                    message=message,
                    next_step=next_step,
                ),
            ),
            "document": "alerts.yaml:1",
            **changes,
        }
    )


def resent_view(**changes: Any) -> ResentView:
    """A batch that was given up and has arrived now."""
    message = changes.pop("message", "")
    return ResentView(
        **{
            "destination": "webhook",
            "batch": "batch-0123456789abcdef",
            "at": AT,
            "title": "web failed on 50 clusters",
            "arrived": not message,
            "message": message,
            "next_step": "",
            **changes,
        }
    )


def tree_view(*objects: TreeObject, **changes: Any) -> TreeView:
    """An application with these objects on one cluster; one Deployment that is well without any."""
    return TreeView(
        **{
            "namespace": "default",
            "application": "web",
            "phase": TargetPhase.SYNCED,
            "health": "Healthy",
            "clusters": 1,
            "silent": (),
            "objects": objects or (tree_object(),),
            **changes,
        }
    )


def tree_object(**changes: Any) -> TreeObject:
    """A Deployment that is well on one cluster."""
    return TreeObject(
        **{
            "kind": "Deployment.apps",
            "object": "default/web",
            "phase": TargetPhase.SYNCED,
            "health": "Healthy",
            "clusters": 1,
            "phases": {"Synced": 1},
            "healths": {"Healthy": 1},
            "images": ("registry.example.org/web:1.2",),
            "unwell": (),
            **changes,
        }
    )


def where_view(*targets: Whereabout, **changes: Any) -> WhereView:
    """A revision that is on one cluster since ten seconds after its commit, or where given."""
    found = targets or (whereabout(),)
    return WhereView(
        **{
            "sort": "revision",
            "name": "0123456789abcdef0123456789abcdef01234567",
            "author": "Ana",
            "subject": "Bump web",
            "came_with": "",
            "source": "default/platform",
            "committed_at": AT,
            "detected_at": AT,
            "here": sum(each.presence not in _MISSING for each in found),
            "untouched": (),
            "silent": (),
            "times": LeadTimes(10.0, 10.0, None, None),
            "targets": found,
            **changes,
        }
    )


_MISSING = (Presence.NOT_YET, Presence.LEAVING)


def whereabout(cluster: str = "dev", **changes: Any) -> Whereabout:
    """A target that has it."""
    return Whereabout(
        **{
            "namespace": "default",
            "application": "web",
            "cluster": cluster,
            "presence": Presence.HERE,
            "phase": TargetPhase.SYNCED,
            "health": "Healthy",
            "blocked": 0,
            "revision": "0123456789abcdef0123456789abcdef01234567",
            "images": (),
            "arrived_at": AT,
            "seconds": 10.0,
            "message": "",
            "next_step": "",
            **changes,
        }
    )


def plugin_view(**changes: Any) -> PluginView:
    """A source plugin that was loaded."""
    return PluginView(
        **{
            "plugin": "git",
            "distribution": "shoal",
            "version": "0",
            "state": "Loaded",
            "seam": "source",
            "name": "git",
            "message": "",
            **changes,
        }
    )
