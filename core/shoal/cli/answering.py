"""Which clusters did not answer: said on stderr whenever an answer is incomplete because of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shoal.api.client import Client
from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind
from shoal.cli.phrasing import now_utc, read_time, span_of
from shoal.cli.tables import Item

_SHOWN = 5  # names in the footer; `get clusters` has them all


def silent_clusters(clusters: Sequence[Item]) -> list[Item]:
    """The clusters that do not answer now."""
    return [cluster for cluster in clusters if cluster["reachable"] != "True"]


def _footer(silent: Sequence[Item], total: int) -> str:
    """`2/3 clusters answered; no answer from prod for 4m`."""
    told = [_told(cluster) for cluster in silent[:_SHOWN]]
    if len(silent) > _SHOWN:
        told.append(f"and {len(silent) - _SHOWN} more")
    answered = total - len(silent)
    return f"{answered}/{total} clusters answered; no answer from " + ", ".join(told)


def _told(cluster: Item) -> str:
    since = read_time(cluster.get("since"))
    return str(cluster["name"]) + (f" for {span_of(now_utc() - since)}" if since else "")


def completeness(client: Client, kind: Kind, items: Sequence[Item], *, named: bool) -> Ending:
    """PARTIAL, with a footer, when what was shown stands on clusters that do not answer.

    Sources, holds and events are the controller's own knowledge and always complete.
    """
    if kind.name not in ("Application", "Target", "Cluster"):
        return Ending.OK
    return partial_over(client, _clusters_of(client, kind, items, named=named))


def partial_over(client: Client, names: Collection[str] | None) -> Ending:
    """The same over these clusters, or over all; most fleets of thousands have few to tell of."""
    silent = [
        each
        for each in client.items("clusters", where="reachable != true")
        if names is None or each["name"] in names
    ]
    if not silent:
        return Ending.OK
    return told_silent(silent, _count_of_clusters(client) if names is None else len(names))


def told_silent(silent: Sequence[Item], total: int) -> Ending:
    """PARTIAL, with a footer, when some of so many clusters do not answer."""
    if not silent:
        return Ending.OK
    note(_footer(silent, total))
    return Ending.PARTIAL


def _count_of_clusters(client: Client) -> int:
    page = client.get("clusters", limit=1)
    return len(page["items"]) + int((page.get("metadata") or {}).get("remainingItemCount", 0))


def _clusters_of(
    client: Client, kind: Kind, items: Sequence[Item], *, named: bool
) -> Collection[str] | None:
    if kind.name == "Cluster":
        return {str(item["name"]) for item in items}
    if kind.name == "Target":
        return {str(item["cluster"]) for item in items}
    if not named:
        return None
    one = items[0]
    targets = client.items("targets", namespace=one["namespace"], application=one["name"])
    return {str(target["cluster"]) for target in targets}
