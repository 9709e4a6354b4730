"""`shoal version`: answers without a controller, in a moment."""

from __future__ import annotations

import sys

import click

from shoal import __version__
from shoal.cli import VERSION_LINE
from shoal.cli.options import Output, prints
from shoal.cli.printing import print_one


@click.command()
@prints
def version(output: Output) -> int:
    """The version of this program."""
    number = __version__
    python = ".".join(str(part) for part in sys.version_info[:3])
    fields = {"version": number, "python": python}
    print_one(output, "Version", f"version/{number}", fields, lambda: [VERSION_LINE])
    return 0
