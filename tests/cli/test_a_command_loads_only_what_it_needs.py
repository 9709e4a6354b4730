"""What a command imports is most of what it takes: its first answer should not wait for more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

PROGRAM = """
import sys
from shoal.cli import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write("\\n".join(["loaded:", *sys.modules]))
"""
PLUGINS = ("shoal_plugins", "shoal_clusters", "pluggy")
SERVER = ("sqlalchemy", "starlette", "uvicorn", "shoal.engine.controller")


def loaded(folder: Path, *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(done.stderr.partition("loaded:\n")[2].split("\n"))


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (["version"], ("click", "json", *PLUGINS, *SERVER)),
        (["status", "--state", "nowhere"], ("pydantic", "asyncio", *PLUGINS, *SERVER)),
        (["run", "--help"], ("aiohttp", "rich", "shoal_plugins", "shoal_clusters", *SERVER)),
        (["--help"], ("shoal_clusters.demo.playing", "aiohttp.web", *SERVER)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_and_nothing_of_what_others_need(
    tmp_path: Path, words: Sequence[str], unneeded: Sequence[str]
) -> None:
    modules = loaded(tmp_path, *words)

    assert "shoal.cli" in modules
    assert modules.isdisjoint(unneeded)
