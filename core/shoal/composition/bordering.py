"""The border to plugins as this process has it: which distribution is named, and who is told.

Made once for whatever calls plugins: the engine, and `shoal render`, which needs no engine.
"""

from __future__ import annotations

import os
import sys

from shoal.composition.loading import Plugins
from shoal.engine.guarding import Guard, silent


def guard_of(plugins: Plugins) -> Guard:
    """A border that names distribution and version, and prints calls when it is asked to."""

    def describe(seam: str, plugin: str) -> str:
        for one in plugins.registrations:
            if one.name == plugin and one.seam.startswith(seam):
                return f"{plugin} ({one.distribution} {one.version})"
        return plugin

    tracing = os.environ.get("SHOAL_TRACE_PLUGINS") == "1"
    return Guard(describe, _print_call if tracing else silent)


def _print_call(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
    line = f"plugin {seam} {plugin}: {subject} {seconds * 1000:.1f} ms {outcome}\n"
    sys.stderr.write(line)
