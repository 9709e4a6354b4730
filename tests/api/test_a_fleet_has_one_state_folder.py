"""Without `--state`, a fleet's state is at one place, wherever the command is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.api.running import default_state_folder

ADDRESSES = ["https://forge.example.org/fleet.git", "ssh://git@host/fleet", "git@host:team/fleet"]


def in_two_folders(fleet: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[Path]:
    found = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.add(default_state_folder(fleet))
    return found


@pytest.mark.parametrize("fleet", ADDRESSES)
def test_that_of_a_repository_is_the_same_in_every_folder(
    fleet: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert len(in_two_folders(fleet, monkeypatch, tmp_path)) == 1


@pytest.mark.parametrize("fleet", ["fleet", "./git@host:team", "team/git@host:fleet"])
def test_that_of_a_folder_is_by_its_whole_path(
    fleet: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert len(in_two_folders(fleet, monkeypatch, tmp_path)) == 2
    assert default_state_folder(fleet) == default_state_folder(str(tmp_path / "two" / fleet))


def test_each_fleet_has_its_own() -> None:
    assert len({default_state_folder(fleet) for fleet in ADDRESSES}) == len(ADDRESSES)
