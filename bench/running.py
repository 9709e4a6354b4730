"""One run: the families in turn, each shown when it ends, and in the end what failed.

A family that breaks costs only its own rows, and figures are written after every family, so that a
run that is stopped has not been for nothing.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from rich.console import Console

from bench.families import Family, Plan, is_offered, left_out, missing_counts
from bench.figures import Figures, Limit, failures, make_table, summary
from bench.scene import Scene


@dataclass(slots=True)
class Run:
    """What was measured so far, into `output`, and which rows are held to `limits`."""

    controller: str
    output: Path
    limits: Mapping[str, Limit]
    console: Console
    figures: dict[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])
    # Families that broke, and counts that should be there and are not.
    broken: list[str] = field(default_factory=list[str])

    @property
    def failed(self) -> list[str]:
        """Counts beyond their limits or missing, and families that broke."""
        return [*failures(self.figures, self.limits), *self.broken]

    async def measure(self, name: str, family: Family, scene: Scene, plan: Plan) -> None:
        """Measure one family as far as the controller offers it; the rest is said, in one line."""
        offers = scene.adapter.offers
        away = left_out(family, offers)
        if away:
            sys.stderr.write(f"{name}: not offered by {self.controller}: {', '.join(away)}\n")
        if not is_offered(family, offers):
            return
        started = time.monotonic()
        try:
            figures = await family.measure(scene, plan)
            self.show(f"{name}, {scene.size} objects", figures)
            self.figures |= figures
            self.broken += missing_counts(family, figures, self.limits, offers)
        except (Exception, SystemExit):  # the border of a family
            traceback.print_exc()
            self.broken.append(name)
        sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
        self._write(str(scene.size))

    def show(self, title: str, figures: Figures) -> None:
        """Print a table of figures."""
        self.console.print(make_table(title, figures, self.limits))

    def _write(self, size: str) -> None:
        content = {"controller": self.controller, "size": size, **summary(self.figures)}
        self.output.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
