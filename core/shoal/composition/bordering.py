"""The border to plugins as this process has it: which distribution is named, and who is told.

Made once for whatever calls plugins: the engine, and `shoal render`, which needs no engine.
"""

from __future__ import annotations

import os
import sys

from shoal.composition.loading import Plugins
from shoal.engine.guarding import CallTrace, Guard, silent


def guard_of(plugins: Plugins, measured: CallTrace = silent) -> Guard:
    """A border that names distribution and version, and prints calls when it is asked to.

    `measured` hears of each call, printed or not.
    """

    def describe(seam: str, plugin: str) -> str:
        there = [one for one in plugins.registrations if one.seam.startswith(seam)]
        for one in there:
            if one.name == plugin:
                return f"{plugin} ({one.distribution} {one.version})"
        # A target is asked for many things, and what is asked is all that the engine knows of it.
        if len(there) == 1:
            return f"{there[0].name} ({there[0].distribution} {there[0].version}) at {plugin}"
        return plugin

    def trace(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
        measured(seam, plugin, subject, seconds, outcome)
        _print_call(seam, plugin, subject, seconds, outcome)

    tracing = os.environ.get("SHOAL_TRACE_PLUGINS") == "1"
    return Guard(describe, trace if tracing else measured)


def _print_call(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
    line = f"plugin {seam} {plugin}: {subject} {seconds * 1000:.1f} ms {outcome}\n"
    sys.stderr.write(line)
