"""Contents that are kept from one decision of an application to the next, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shoal.model.manifests import Manifest
from shoal.model.plans import Content


class ContentKey(NamedTuple):
    """What a cluster's content depends on: the output's identity, overrides, facts in them."""

    output: int
    overrides: tuple[int, ...]
    facts: str


class KeptContent(NamedTuple):
    """A content, and the rendered output that it was made from."""

    rendered: Sequence[Manifest]
    content: Content
