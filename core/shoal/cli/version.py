"""`shoal version`: answers without a controller, in a moment."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of

import click

from shoal.cli.options import Output, prints
from shoal.cli.printing import print_one


@click.command()
@prints
def version(output: Output) -> int:
    """The version of this program."""
    number = version_of("shoal")
    python = ".".join(str(part) for part in sys.version_info[:3])
    fields = {"version": number, "python": python}
    print_one(output, "Version", f"version/{number}", fields, lambda: [f"shoal {number}"])
    return 0
