"""Seeds on all cores: each process takes one after the other, and none outlives who asked.

Each holds one end of a pipe. The other end is closed by who ends, and by the system when that one
is killed; then nobody wants to know any more what a worker finds.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from tests.simulation.running import Report, run_seed


def reports(
    seeds: Iterator[int], hours: float, workers: int, is_enough: Callable[[], bool]
) -> Generator[Report, None, None]:
    """The reports of all seeds, as they come; who closes it ends what is under way."""
    with _pool(workers) as pool:
        running: set[Future[Report]] = set()
        while True:
            while len(running) < workers and not is_enough():
                seed = next(seeds, None)
                if seed is None:
                    break
                running.add(pool.submit(run_seed, seed, hours))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with (
        theirs,
        ours,
        tempfile.TemporaryDirectory(prefix="shoal-simulate-") as folder,
        ProcessPoolExecutor(workers, context, _begin, (folder, theirs)) as pool,
    ):
        try:
            yield pool
        except BaseException:  # a signal, or it was closed; nothing is waited for
            ours.close()
            raise


def _begin(folder: str, parent: Connection) -> None:
    """A worker: leaves its files where they are removed for it, and ends with its parent."""
    tempfile.tempdir = folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    parent.poll(None)  # nothing is ever said but that it has ended
    os._exit(1)
