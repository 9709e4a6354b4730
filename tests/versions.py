"""Runs what touches real API servers against the oldest and the newest version, one after another.

`make test-versions`; arguments go to pytest. Versions are built at their first use, which takes
some minutes of all cores. The exit code is 1 when any version failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import click

from shoal_clusters.controlplane.fixtures import VERSION_VARIABLE
from shoal_clusters.controlplane.programs import KUBERNETES, NEWEST, OLDEST

_REPORTS = Path(__file__).parents[1] / "build"


def main(arguments: Sequence[str]) -> int:
    """Test each version, then say how each of them fared."""
    _REPORTS.mkdir(exist_ok=True)
    told = [_test(minor, arguments) for minor in (OLDEST, NEWEST)]
    click.echo("\nTests on real API servers:")
    for line, _ in told:
        click.echo(f"  {line}")
    return 0 if all(has_passed for _, has_passed in told) else 1


def _test(minor: str, arguments: Sequence[str]) -> tuple[str, bool]:
    click.echo(f"\nKubernetes {minor}")
    report = _REPORTS / f"test-versions-{minor}.xml"
    report.unlink(missing_ok=True)
    began = monotonic()
    command = [sys.executable, "-m", "pytest", "-m", "real", f"--junit-xml={report}", *arguments]
    ended = subprocess.run(command, env={**os.environ, VERSION_VARIABLE: minor}, check=False)
    exact, seconds = KUBERNETES[minor].apiserver.version, monotonic() - began
    state = "passed" if ended.returncode == 0 else "FAILED"
    return f"{exact:8} {state}: {_counts(report)}, {seconds:.0f} s", ended.returncode == 0


def _counts(report: Path) -> str:
    if not report.exists():
        return "no test was run"
    suite = xml.parse(report).getroot().find("testsuite")
    assert suite is not None
    names = ("tests", "failures", "errors", "skipped")
    return ", ".join(f"{suite.get(name)} {name}" for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
