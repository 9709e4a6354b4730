"""Clusters by kind, where a Docker engine answers; a clear message where none does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from shoal_clusters.controlplane import kind
from shoal_clusters.controlplane.commands import local
from shoal_clusters.controlplane.kubeconfig import read_kubeconfig

PROGRAM = "from shoal_clusters.controlplane.commands import local; local()"


@pytest.fixture
def docker_engine() -> None:
    if problem := anyio.run(kind.find_engine_problem):
        pytest.skip(f"no Docker engine: {problem}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "kind"
    run("down", "--folder", str(tmp_path / "kind"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.kind
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("docker_engine")
def test_kind_clusters_stay_until_down(folder: Path) -> None:
    raised = run("up", "one", "--provider", "kind", "--folder", str(folder), "-o", "name")

    assert raised.returncode == 0, raised.stderr
    assert [access.cluster for access in read_kubeconfig(folder / "kubeconfig")] == ["one"]
    assert anyio.run(kind.list_clusters) >= {"one"}


def test_without_an_engine_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "fleet"

    result = CliRunner().invoke(local, ["up", "--provider", "kind", "--folder", str(folder)])

    assert result.exit_code == 3
    assert "Cannot connect to the Docker daemon" in result.stderr
    assert "next: start Docker" in result.stderr
    assert not folder.exists()
