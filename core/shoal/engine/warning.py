"""What is to be said of a cluster that works, and will not for long or not as it should.

Warnings stop nothing and need no decision; each is one sentence and, where somebody can do
something, the next step. Made when somebody looks. What is wrong now is the cluster's error.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from shoal.engine.state import ClusterState
from shoal.engine.views.clusters import ClusterWarning, WarningReason
from shoal.errors import ForbiddenByCluster
from shoal.model.identity import GroupKind
from shoal.model.phrases import and_more, counted

SLOW_SECONDS = 1.0
"""SAFETY, Connection: a p99 above it halves what is in flight."""


def warnings_of(cluster: ClusterState, now: datetime) -> list[ClusterWarning]:
    """All warnings of one cluster, what is most urgent first."""
    found = [*_expiry(cluster, now)]
    if cluster.is_answering:
        found += [*_recovering(cluster), *_stale(cluster), *_flapping(cluster, now)]
        found += [*_slow(cluster), *_limited(cluster)]
    return found


def is_slow(cluster: ClusterState) -> bool:
    """Whether requests take longer than they should; as far as was measured lately."""
    latency = cluster.facts.latency_seconds if cluster.facts else None
    return cluster.is_answering and latency is not None and latency > SLOW_SECONDS


def _expiry(cluster: ClusterState, now: datetime) -> Iterator[ClusterWarning]:
    credential = cluster.credential
    if credential is None or credential.expires_at is None or not credential.is_expiring(now):
        return
    at = f"{credential.expires_at:%Y-%m-%d %H:%M} UTC"
    if credential.expires_at > now:
        told = f"its credential expires in {_span(credential.expires_at - now)}, at {at}"
    elif cluster.is_answering:
        told = (
            f"its credential expired at {at} by the clock of this machine and is still accepted: "
            "one of the clocks is wrong"
        )
    else:
        told = f"its credential expired at {at}"
    step = "renew it where the Cluster's access reads it; it is read again by itself"
    yield ClusterWarning(WarningReason.CREDENTIAL_EXPIRES, told, step)


def _recovering(cluster: ClusterState) -> Iterator[ClusterWarning]:
    """How far a sweep has come, and what cannot be found out.

    What may not be listed, where the rows are to be believed, stops nothing.
    """
    recovery = cluster.recovery
    if recovery is None:
        return
    if not recovery.is_round_over:
        swept, kinds = len(recovery.swept), recovery.kinds or "all"
        told = (
            f"Recovering, because {recovery.why}: swept {swept} of {kinds} kinds, "
            f"{counted(recovery.objects, 'object')} of ours so far; nothing is deleted until all "
            "are swept"
        )
        yield ClusterWarning(WarningReason.RECOVERING, told)
    elif recovery.left:
        kind, error = min(recovery.left.items(), key=lambda item: item[0])
        told = (
            f"what is ours is not known of {counted(len(recovery.left), 'kind')} "
            f"({_named(kind)}{and_more(recovery.left)}), and "
            f"{'nothing of that is deleted' if recovery.is_doubting else 'more may be there'}: "
            f"{error.message}"
        )
        forbidden = (isinstance(each, ForbiddenByCluster) for each in recovery.left.values())
        is_harmless = not recovery.is_doubting and all(forbidden)
        reason = WarningReason.LIMITED if is_harmless else WarningReason.RECOVERING
        yield ClusterWarning(reason, told, error.next_step)


def _named(kind: GroupKind) -> str:
    return str(kind) if kind.kind else f"all of {kind.group}"


def _stale(cluster: ClusterState) -> Iterator[ClusterWarning]:
    if cluster.facts is None or not cluster.facts.stale or cluster.stale_since is None:
        return
    since = f"Stale since {cluster.stale_since:%H:%M:%S}"
    told = f"{since}: {'; '.join(cluster.facts.stale)}; what was known of it stays"
    yield ClusterWarning(WarningReason.STALE, told)


def _flapping(cluster: ClusterState, now: datetime) -> Iterator[ClusterWarning]:
    if not cluster.turns.is_flapping(now):
        return
    times = cluster.turns.lately(now) // 2
    told = f"it went away and came back {times} times within the last hour"
    step = "look at the network on the way to its API server, and at that server's load"
    yield ClusterWarning(WarningReason.FLAPPING, told, step)


def _slow(cluster: ClusterState) -> Iterator[ClusterWarning]:
    if not is_slow(cluster) or cluster.facts is None:
        return
    told = f"its API server is slow: requests take up to {cluster.facts.latency_seconds:.1f} s"
    if cluster.facts.requests_in_flight is not None:
        told += f", and it gets at most {cluster.facts.requests_in_flight} at a time"
    yield ClusterWarning(WarningReason.SLOW, told, "look at the load of its API server and etcd")


def _limited(cluster: ClusterState) -> Iterator[ClusterWarning]:
    for limit in cluster.facts.limits if cluster.facts else ():
        yield ClusterWarning(WarningReason.LIMITED, limit)


def _span(delta: timedelta) -> str:
    hours = int(delta.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hours" if hours >= 2 else f"{int(delta.total_seconds() // 60)} minutes"
