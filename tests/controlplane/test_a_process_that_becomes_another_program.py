"""A process that becomes another program is there all the while, under one name or the other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shoal_clusters.controlplane.processes import command_of

BECOME = "import os; os.execv('/bin/sh', ['sh', '-c', 'read line # the other'])"
TIMES = 20


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ps is asked, which waits")
def test_it_has_a_command_at_each_moment() -> None:
    for _ in range(TIMES):
        seen = set[str]()
        child = subprocess.Popen([sys.executable, "-ISc", BECOME], stdin=subprocess.PIPE)
        while not any(command.endswith("# the other ") for command in seen):
            seen.add(command_of(child.pid))
        child.communicate(b"\n")

        assert "" not in seen


def test_one_that_has_ended_has_none() -> None:
    child = subprocess.Popen([sys.executable, "-ISc", "pass"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    while command_of(child.pid):
        pass  # it lets go of its output before it ends

    assert child.wait() == 0
    child.stdout.close()
    assert command_of(child.pid) == ""
