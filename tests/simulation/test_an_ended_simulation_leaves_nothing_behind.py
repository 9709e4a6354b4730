"""Who ends `make simulate` ends its workers, whatever they are at, and what they have on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[2]
WITHIN_SECONDS = 120.0


def test_its_workers_end_with_it(tmp_path: Path) -> None:
    output, folders = tmp_path / "simulate.json", tmp_path / "folders"
    folders.mkdir()
    # A worker that is not ended goes on for an hour.
    command = ("-m", "tests.simulation", "--seeds", "1-2", "--hours", "900", "--workers", "1")
    with subprocess.Popen(
        [sys.executable, *command, "--output", output],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folders)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            wait_until_at_work(folders)
            process.terminate()
            # Its worker writes there too, so this ends when both have.
            printed, _ = process.communicate(timeout=WITHIN_SECONDS)
        finally:
            process.kill()

    assert process.returncode == 130
    assert printed.startswith("0 cluster-hours, 0 seeds")
    assert orjson.loads(output.read_bytes())["seeds"] == 0
    assert list(folders.iterdir()) == []


def wait_until_at_work(folders: Path) -> None:
    """Until a worker has made the folder of its first run within that of all."""
    until = time.monotonic() + WITHIN_SECONDS
    while not list(folders.glob("*/*")):
        assert time.monotonic() < until, "no worker has begun"
        time.sleep(0.02)
