"""`make mutate`, or `python -m tests.mutating`: do the tests notice when the code is changed?

Every mutant is one small change of a pure module. The pure tests that reach it run in a process of
their own; when one fails, the mutant is killed. Names of modules (`steps staging`) narrow it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import track
from tests.mutating.mutants import Source
from tests.mutating.processes import Broken
from tests.mutating.reaching import TestsFail
from tests.mutating.reporting import Report
from tests.mutating.scope import ROOT, TESTS, modules
from tests.mutating.trying import Result, outcomes

_SAID_EACH = 100


def main() -> int:
    """Try the mutants that were asked for; 1 when the score is below the least, 130 when ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutating", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="module", help="default: all in scope.py")
    parser.add_argument("--least", type=float, default=80, help="per cent (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=Path("build"), help="default: %(default)s")
    given = parser.parse_args()
    chosen = {
        module: path
        for module, path in modules().items()
        if not given.names or {module, path.stem} & {*given.names}
    }
    if not chosen:
        parser.error(f"no module is called {' or '.join(given.names)}")
    return mutate(chosen, TESTS, given.workers, given.output, given.least)


def mutate(
    chosen: Mapping[str, Path], tests: tuple[str, ...], workers: int, output: Path, least: float
) -> int:
    os.chdir(ROOT)
    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(ending, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else 120)
    sources = {module: Source.read(module, path) for module, path in chosen.items()}
    report = Report([mutant for source in sources.values() for mutant in source.mutants()])
    judged, code = report.judged, 0
    try:
        found = outcomes(sources, judged, tests, workers)
        for mutant, outcome in _shown(found, len(judged), console):
            report.outcomes[mutant] = outcome
    except KeyboardInterrupt:
        code = 130
    except (Broken, TestsFail) as error:
        console.print(f"error: {error}")
        return 2
    report.write(output)
    console.print(report.table())
    console.print(f"survivors: {output / 'mutate-survivors.txt'}")
    return code or int(report.score * 100 < least)


def _shown(found: Iterator[Result], total: int, console: Console) -> Iterator[Result]:
    """The same, with a bar in a terminal, and elsewhere a line now and then."""
    if console.is_terminal:
        yield from track(found, "trying", total=total, console=console)
        return
    for number, result in enumerate(found, 1):
        yield result
        if number % _SAID_EACH == 0:
            console.print(f"{number} of {total} mutants tried")


if __name__ == "__main__":
    sys.exit(main())
