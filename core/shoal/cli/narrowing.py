"""What lists have in common: which of their items are meant, in which order, and how many.

Everything is handed to the controller as it was typed: it knows the fields, and says what is wrong
with a condition. A list that is long is cut there, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from shoal.api.client import Given
from shoal.cli import completing
from shoal.cli.application_options import cluster_globs_option
from shoal.cli.options import with_options

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What was typed; `namespace` is None for all of them."""

    namespace: str | None = None
    clusters: tuple[str, ...] = ()
    labels: str | None = None
    where: str | None = None
    sort: str | None = None
    limit: int | None = None
    after: str | None = None

    @property
    def query(self) -> Mapping[str, Given]:
        """The parameters of a list of the API."""
        return {
            "namespace": self.namespace,
            "cluster": self.clusters or None,
            "labels": self.labels,
            "where": self.where,
            "sort": self.sort,
            "limit": self.limit,
            "continue": self.after,
        }


_OPTIONS = (
    click.option(
        "-n",
        "--namespace",
        shell_complete=completing.namespaces,
        help="Only this namespace; without it, all of them.",
    ),
    click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces, as without -n."),
    cluster_globs_option,
    click.option(
        "-l",
        "--selector",
        "labels",
        metavar="LABELS",
        help="Only these labels, as for kubectl: env=prod,region in (eu,us),!canary. A target has "
        "the labels of its cluster.",
    ),
    click.option(
        "--where",
        metavar="CONDITION",
        help="Only these: 'health=degraded and (region=~eu-* or not suspended)'; times may be "
        "written as distances, 'since > 10m'.",
    ),
    click.option(
        "--sort", metavar="FIELD", help="In the order of this field; -FIELD the other way round."
    ),
    click.option("--limit", type=click.IntRange(1, MOST), help="Not more than these at a time."),
    click.option(
        "--continue", "after", metavar="MARK", help="Go on where a list with --limit ended."
    ),
)


def narrows(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that narrow, sort and page a list, handed on as one `narrowing`."""

    @functools.wraps(command)
    def wrapped(
        *args: Any,
        namespace: str | None,
        all_namespaces: bool,
        clusters: tuple[str, ...],
        labels: str | None,
        where: str | None,
        sort: str | None,
        limit: int | None,
        after: str | None,
        **kwargs: Any,
    ) -> Any:
        if all_namespaces and namespace is not None:
            raise click.UsageError("-A and -n contradict one another")
        narrowing = Narrowing(namespace, clusters, labels, where, sort, limit, after)
        return command(*args, narrowing=narrowing, **kwargs)

    return with_options(wrapped, _OPTIONS)
