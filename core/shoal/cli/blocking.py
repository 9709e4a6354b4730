"""What is in the way of a target, as `status` and `wait` say it: the first object, and how many."""

from __future__ import annotations

from shoal.cli.tables import Item
from shoal.engine.views.applications import BLOCKED


def what_blocks(target: Item) -> str:
    """`Deployment.apps shop/web: … ImagePullBackOff … (and 2 more)`; empty when nothing does."""
    found = [each for each in target["problems"] if each["reason"] == BLOCKED]
    if not found:
        return ""
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]['object']}: {found[0]['message']}{others}"
