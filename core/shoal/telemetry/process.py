"""What the operating system says of this process and its files; read in any thread."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from shoal.model.metrics import Metric
from shoal.telemetry import measures
from shoal.telemetry.readings import Readings, Series

_STATM = Path("/proc/self/statm")
_FILES = Path("/proc/self/fd")


class Process:
    """This process, from when the object was made, and the database that it writes."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._started = time.monotonic()

    def readings(self) -> Readings:
        """Processor time and age; memory and open files where `/proc` tells them (Linux)."""
        used = os.times()
        readings: dict[Metric, Sequence[Series]] = {
            measures.CPU_TIME: [
                (used.user, {measures.CPU_MODE: "user"}),
                (used.system, {measures.CPU_MODE: "system"}),
            ],
            measures.UPTIME: [(time.monotonic() - self._started, {})],
        }
        with suppress(OSError):
            resident = int(_STATM.read_text().split()[1]) * resource.getpagesize()
            readings[measures.MEMORY] = [(resident, {})]
            readings[measures.FILES] = [(len(os.listdir(_FILES)), {})]
        with suppress(OSError):
            readings[measures.STORE_SIZE] = [(self._database.stat().st_size, {})]
        return readings
