"""`shoal demo`: the whole of Shoal on this machine, to look at or to be shown.

Exit codes: 0 the tour held, 1 a step of it did not, 2 wrong usage, 3 something could not be
started, 130 interrupted; in every case nothing is left running and the folder is gone. Imported for
a line of `shoal --help`, so it leaves the rest to `playing`.
"""

from __future__ import annotations

import click

from shoal_clusters.controlplane.options import controllers_option, kubernetes_option

_FEWEST_CLUSTERS, _MOST_CLUSTERS = 3, 50  # each takes 280 MiB


@click.command()
@click.option(
    "--clusters",
    "count",
    type=click.IntRange(_FEWEST_CLUSTERS, _MOST_CLUSTERS),
    default=_FEWEST_CLUSTERS,
    show_default=True,
    help="How many: dev, staging, prod, prod-2 and on.",
)
@controllers_option
@kubernetes_option
@click.option("--play", is_flag=True, help="Play a tour by itself, and assert every step of it.")
def demo(count: int, has_controllers: bool, kubernetes: str | None, play: bool) -> int:
    """Three real clusters, a fleet in Git and a controller, on this machine.

    Everything runs until Ctrl-C, which stops it all and removes it. The first time, the programs
    of a control plane are downloaded or built, which takes some minutes.
    """
    from shoal_clusters.controlplane.local import Flavour
    from shoal_clusters.demo.playing import play_demo

    return play_demo(count, Flavour(kubernetes, has_controllers), is_tour=play)
