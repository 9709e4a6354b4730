"""A fleet's folder: read when nobody is writing to it, and never taken for empty."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from shoal.documents.yaml_reading import read_documents
from shoal.engine.fleet import FleetFiles
from shoal.engine.fleet_folder import FolderReader, lock_of
from shoal.errors import SourceUnavailable

LONG_AGO = 60.0


async def in_thread(function: Callable[..., Any], /, *args: object) -> Any:
    return await anyio.to_thread.run_sync(function, *args)


@dataclass
class Folder:
    """A folder with two documents that were written a minute ago, and its reader."""

    root: Path
    seconds: float = 0.0
    files: FleetFiles | None = None
    reader: FolderReader = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.reader = FolderReader(self.root, in_thread, monotonic=lambda: self.seconds)
        for name in ("fleet.yaml", "teams/shop.yaml"):
            self.write(name, name)
        self.age()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def age(self, seconds: float = LONG_AGO) -> None:
        """Everything that is there was last changed so long ago."""
        then = time.time() - seconds
        for path in (self.root, *self.root.rglob("*")):
            os.utime(path, (then, then))

    async def read(self) -> FleetFiles | None:
        found = await self.reader.read(self.files)
        self.files = found or self.files
        return found

    async def names(self) -> list[str] | None:
        found = await self.read()
        return None if found is None else sorted(found.files)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "fleet")


async def test_a_quiet_folder_is_read_at_once_and_again_when_it_changed(folder: Folder) -> None:
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml"]
    first = folder.files
    assert await folder.read() is first

    folder.write("teams/web.yaml", "web")
    folder.age()
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml", "teams/web.yaml"]


async def test_what_is_being_written_is_left_until_it_is_quiet(folder: Folder) -> None:
    await folder.read()
    folder.write("fleet.yaml", "half of it")
    assert await folder.read() is None

    folder.age(2.5)
    found = await folder.read()
    assert found is not None
    assert found.files["fleet.yaml"] == b"half of it"


async def test_files_that_are_going_away_are_not_read_in_between(folder: Folder) -> None:
    """The files that are left are old: only their folder tells that it is changing."""
    await folder.read()
    (folder.root / "teams/shop.yaml").unlink()
    assert await folder.read() is None

    folder.write("teams/shop.yaml", "it is back")
    folder.age()
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml"]


async def test_a_time_in_the_future_is_settled_once_nothing_changed_for_a_while(
    folder: Folder,
) -> None:
    await folder.read()
    folder.write("fleet.yaml", "from a machine whose clock is ahead")
    folder.age(-3600)
    assert await folder.read() is None

    folder.seconds = 2.5
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml"]


@pytest.mark.parametrize("below", [".", "clusters/eu"], ids=["whole", "subfolder"])
async def test_a_folder_in_which_git_is_at_work_is_not_read(tmp_path: Path, below: str) -> None:
    git = tmp_path / "copy" / ".git"
    git.mkdir(parents=True)
    folder = Folder(tmp_path / "copy" / below)
    await folder.read()
    (git / "index.lock").touch()
    folder.write("teams/web.yaml", "web")
    folder.age()
    assert await folder.read() is None

    (git / "index.lock").unlink()
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml", "teams/web.yaml"]


def test_the_lock_of_a_linked_worktree_is_found(tmp_path: Path) -> None:
    def git(*arguments: str, at: Path) -> None:
        who = ("-c", "user.name=ana", "-c", "user.email=ana@example.org")
        subprocess.run(["git", "-C", at, *who, *arguments], check=True, capture_output=True)

    main, linked = tmp_path / "main", tmp_path / "linked"
    main.mkdir()
    git("init", "-q", at=main)
    git("commit", "-q", "--allow-empty", "-m", "Begin", at=main)
    git("worktree", "add", "-q", str(linked), at=main)
    fleet = linked / "fleet"
    fleet.mkdir()
    lock = main / ".git/worktrees/linked/index.lock"

    assert lock_of(fleet) is None
    lock.touch()
    assert lock_of(fleet) == lock
    assert lock_of(main) is None
    assert lock_of(tmp_path) is None


async def test_a_lock_that_stays_is_told_with_the_way_out(tmp_path: Path) -> None:
    lock = tmp_path / ".git/index.lock"
    lock.parent.mkdir()
    lock.touch()
    folder = Folder(tmp_path / "fleet")

    assert await folder.read() is None
    folder.seconds = 61.0
    with pytest.raises(SourceUnavailable, match="a git command has been at work in it") as told:
        await folder.read()
    assert told.value.next_step == f"if none is running, remove {lock}"

    lock.unlink()
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml"]


async def test_a_folder_that_never_rests_is_told(folder: Folder) -> None:
    for second in range(60):
        folder.seconds = second
        folder.write("fleet.yaml", f"version {second}")
        assert await folder.read() is None
    folder.seconds, folder.files = 62.0, None
    folder.write("fleet.yaml", "version 62")

    with pytest.raises(SourceUnavailable, match="it has been changing for 62 s"):
        await folder.read()


async def test_a_folder_that_is_missing_is_an_error_and_comes_back(folder: Folder) -> None:
    await folder.read()
    away = folder.root.rename(folder.root.with_name("away"))
    with pytest.raises(SourceUnavailable, match="does not exist"):
        await folder.read()

    away.rename(folder.root)
    folder.age()
    assert await folder.names() == ["fleet.yaml", "teams/shop.yaml"]


def refused(path: Path) -> Callable[..., Any]:
    real = os.scandir

    def scandir(where: Any) -> Any:
        if Path(where) == path:
            raise PermissionError(13, "Permission denied", str(where))
        return real(where)

    return scandir


async def test_a_subfolder_that_cannot_be_listed_is_not_an_empty_one(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "scandir", refused(folder.root / "teams"))

    with pytest.raises(SourceUnavailable, match=r"teams: Permission denied"):
        await folder.read()


async def test_a_link_to_nowhere_is_told(folder: Folder) -> None:
    (folder.root / "old.yaml").symlink_to("nowhere.yaml")

    with pytest.raises(SourceUnavailable, match=r"old\.yaml: No such file"):
        await folder.read()


async def test_what_goes_away_between_two_looks_is_looked_at_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def opened(path: Path, *how: Any) -> Any:
        if path.name == "shop.yaml":
            shutil.rmtree(path.parent)
        return real(path, *how)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opened)
        assert await folder.read() is None
    folder.age()
    assert await folder.names() == ["fleet.yaml"]


async def test_what_never_ends_is_not_read(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe.yaml")
    folder.age()
    with pytest.raises(SourceUnavailable, match=r"pipe\.yaml: it is neither a file nor a folder"):
        await folder.read()

    (folder.root / "pipe.yaml").unlink()
    (folder.root / "zeros.yaml").symlink_to("/dev/zero")
    folder.age()
    with pytest.raises(SourceUnavailable, match=r"zeros\.yaml: it is neither a file nor a folder"):
        await folder.read()


async def test_of_a_huge_file_no_more_is_read_than_tells_its_size(folder: Folder) -> None:
    with (folder.root / "huge.yaml").open("wb") as file:
        file.truncate(1 << 40)
    folder.age()

    found = await folder.read()

    assert found is not None
    content = found.files["huge.yaml"]
    assert len(content) == (4 << 20) + 1
    assert "larger than 4194304" in read_documents("huge.yaml", content).problems[0].message
