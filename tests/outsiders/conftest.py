"""An environment as a stranger makes it: Shoal and two plugins, installed from their wheels."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plugin"
_SEVERAL = """
import contextlib, io, json, sys
from shoal.cli.ending import carry_out

def ended(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = carry_out(words)
    return [code, out.getvalue(), err.getvalue()]

print(json.dumps([ended(words) for words in json.loads(sys.argv[1])]))
"""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Outside:
    """The environment in `folder/venv`, and the wheels in `folder/dist`."""

    folder: Path
    uv: str

    def program(self, name: str) -> str:
        """A program of the environment."""
        return str(self.folder / "venv" / "bin" / name)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables without any that would lead back to this checkout."""
        ours = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "SHOAL_PLUGINS", "SHOAL_STATE")
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        return {**kept, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}

    def run(self, *argv: str, cwd: Path | None = None, **variables: str) -> str:
        """Run a program to its end; what it printed."""
        ended = subprocess.run(
            argv,
            cwd=cwd or self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, f"{argv}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def shoal(self, *commands: str, cwd: Path | None = None) -> list[Ended]:
        """Carry out commands, one after the other, in one process: importing takes a second."""
        words = json.dumps([command.split() for command in commands])
        told = self.run(self.program("python"), "-c", _SEVERAL, words, cwd=cwd)
        return [Ended(*each) for each in json.loads(told)]

    def install(self, *wheels: str) -> None:
        """Install from the wheels alone."""
        found = [str(path) for wheel in wheels for path in (self.folder / "dist").glob(wheel)]
        self.run(self.uv, "pip", "install", *self._quietly, "--no-deps", "--no-index", *found)

    @contextmanager
    def without(self, distribution: str, wheel: str) -> Iterator[None]:
        """The environment after an uninstall."""
        self.run(self.uv, "pip", "uninstall", *self._quietly, distribution)
        try:
            yield
        finally:
            self.install(wheel)

    @property
    def _quietly(self) -> tuple[str, ...]:
        return ("--quiet", "--offline", "--python", self.program("python"))


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """Made once. What Shoal depends on comes from the lock file, and so from uv's cache."""
    made = ROOT / ".uv" / "venv" / "bin" / "uv"
    uv = str(made) if made.exists() else shutil.which("uv")
    assert uv, "uv is neither in .uv nor on PATH: run make once"
    it = Outside(tmp_path_factory.mktemp("outside"), uv)
    dist, rude = str(it.folder / "dist"), str(Path(__file__).parent / "rude")
    it.run(uv, "build", "-q", "--wheel", "--all-packages", "--out-dir", dist, cwd=ROOT)
    it.run(uv, "build", "-q", "--wheel", "--out-dir", dist, rude)
    it.run(
        *(uv, "sync", "-q", "--frozen", "--no-default-groups", "--no-install-workspace"),
        *("--package", "shoal-example", "--group", "test", "--python", sys.executable),
        cwd=ROOT,
        UV_PROJECT_ENVIRONMENT=str(it.folder / "venv"),
    )
    it.install("*.whl")
    return it
