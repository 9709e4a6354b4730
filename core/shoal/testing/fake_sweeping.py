"""What the session of a fake target finds when it sweeps its cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from shoal.model.identity import GroupKind
from shoal.model.sweeps import Marked, Swept
from shoal.testing.fake_cluster import FakeCluster


async def sweep(cluster: FakeCluster, swept: Collection[GroupKind]) -> AsyncIterator[Swept]:
    """What targets of this fleet left behind, a kind after the other."""
    kinds = sorted(cluster.served)
    for kind in kinds:
        if kind in swept:
            continue
        if cluster.listing is not None and kind == kinds[-1]:
            await cluster.listing.wait()
        await cluster.reached()
        cluster.listed.append(kind)
        error = cluster.unlistable.get(kind)
        if error is not None:
            yield Swept(kind, len(kinds), error=error)
            continue
        found = [
            Marked(key, live.uid, live.owner.application)
            for key, live in sorted(cluster.objects.items())
            if key.group_kind == kind and live.owner is not None
        ]
        yield Swept(kind, len(kinds), tuple(found), is_whole=True)
