"""The source type `git`: one bare mirror per repository, read without a checkout.

Reading order: `specification` (what people write), `addresses` (what is refused), `credentials`
with `identities`, `certificates` and `github_apps` (what secrets give), `lending` and `ssh` (how
that reaches git), `running` (the only place that starts git), `explaining` (its errors as
sentences), `reaching` (from a document to a remote), `mirrors` (what is fetched and kept),
`listings`, `blobs` and `trees` (how it is read), `source` (the one method that the engine calls).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.hooks import hookimpl
from shoal.hooks.sources import SourceType
from shoal_plugins.git.source import GitSource

__all__ = ["GitSource", "shoal_sources"]


@hookimpl
def shoal_sources() -> Sequence[SourceType[Any]]:
    """Hand over the one source type of this plugin."""
    return (GitSource(),)
