"""A configuration that changes under a controller: what takes effect, what waits, what is told."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from shoal.api.listening import user_name
from shoal.composition.configuration_file import read_file
from shoal.composition.configuring import Given, Kind, Origin, configure
from shoal.composition.hosting import thread_runner
from shoal.composition.reloading import LiveConfiguration
from shoal.model.records import Deed
from shoal.testing.controllers import FakeController

HEAD = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\nfleet: /fleet\n"
FLAG = {"log_level": Given("error", Origin(Kind.FLAG, "--log-level"))}


class Running:
    """A configuration that is in use, and the controller that hears what becomes of it."""

    def __init__(self, file: Path, given: dict[str, Given]) -> None:
        self.file = file
        read = read_file(file) if file.exists() else None
        configured = configure(given, read)
        self.configuration = LiveConfiguration(configured, look_seconds=0.01)
        self.controller = FakeController()

    async def write(self, text: str) -> None:
        """Another content, read by an explicit reload."""
        await anyio.Path(self.file).write_text(text)
        await self.configuration.reload(self.controller, thread_runner())

    @property
    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was recorded: deed and particulars."""
        return [(verb, arguments) for verb, _, arguments in self.controller.calls]

    def fields(self, setting: str) -> dict[str, Any]:
        """What `shoal config show --running` says of one setting."""
        items = self.configuration.as_fields()["items"]
        return next(each for each in items if each["setting"] == setting)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    (tmp_path / "config.yaml").write_text(f"{HEAD}logLevel: info\n")
    return Running(tmp_path / "config.yaml", {})


@asynccontextmanager
async def followed(running: Running) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.configuration.follow, running.controller, thread_runner())
        with anyio.fail_after(10):
            yield
        tasks.cancel_scope.cancel()


async def until_level(running: Running, level: str) -> None:
    while running.configuration.settings.log_level != level:
        await anyio.sleep(0.01)


async def test_what_is_live_takes_effect_and_is_recorded(running: Running) -> None:
    heard: list[str] = []
    running.configuration.followers.append(lambda settings: heard.append(settings.log_level))
    allowed = running.configuration.allowed_programs

    await running.write(f"{HEAD}logLevel: debug\nallowExec: [aws]\nfleetInterval: 30s\n")

    assert heard == ["debug"]
    assert (set(allowed), "aws" in allowed, len(allowed)) == ({"aws"}, True, 1)
    assert running.configuration.settings.fleet_interval is not None
    ((deed, record),) = running.told
    assert (deed, record["who"]) == (Deed.CONFIGURATION_CHANGED, user_name(os.getuid()))
    assert record["why"] == "fleetInterval, allowExec, logLevel"
    assert record["body"]["changed"][0] == {
        "setting": "fleetInterval",
        "before": None,
        "after": "30s",
        "from": f"{running.file}:6",
        "effect": "now",
    }


async def test_what_is_not_live_waits_for_a_restart_and_says_so(running: Running) -> None:
    await running.write(f"{HEAD}logLevel: info\nwebhookListen: 9999\n")

    assert running.configuration.settings.webhook_listen is None
    told = running.fields("webhookListen")
    assert (told["value"], told["afterRestart"]) == (None, "127.0.0.1:9999")
    assert told["afterRestartFrom"] == f"{running.file}:5"
    assert running.told[0][1]["why"] == "after a restart: webhookListen"

    await running.write(f"{HEAD}logLevel: info\n")

    assert running.fields("webhookListen")["afterRestartFrom"] == ""


async def test_a_broken_file_changes_nothing_and_is_told_once(running: Running) -> None:
    await running.write(f"{HEAD}logLevel: loud\nallowExec: [aws]\n")
    await running.write(f"{HEAD}logLevel: loud\nallowExec: [aws]\n")

    assert running.configuration.settings.allow_exec == ()
    ((deed, record),) = running.told
    assert (deed, len(record["body"]["problems"])) == (Deed.CONFIGURATION_INVALID, 1)
    assert f"{running.file}:4: logLevel" in running.configuration.as_fields()["problems"][0]


async def test_a_file_that_is_gone_changes_nothing(running: Running) -> None:
    running.file.unlink()
    await running.configuration.reload(running.controller, thread_runner())

    assert running.configuration.settings.fleet == "/fleet"
    assert running.told[0][0] == Deed.CONFIGURATION_INVALID


async def test_a_file_that_is_mended_is_told_too(running: Running) -> None:
    await running.write("kind: [")
    await running.write(f"{HEAD}logLevel: info\n")

    assert [deed for deed, _ in running.told] == [
        Deed.CONFIGURATION_INVALID,
        Deed.CONFIGURATION_CHANGED,
    ]
    assert running.configuration.as_fields()["problems"] == []


async def test_reading_the_same_again_is_no_event(running: Running) -> None:
    await running.write(f"# a remark\n{HEAD}logLevel: info\n")

    assert running.told == []


async def test_a_flag_goes_on_to_count_before_the_file(tmp_path: Path) -> None:
    running = await to_thread.run_sync(Running, tmp_path / "config.yaml", FLAG)

    await running.write(f"{HEAD}logLevel: debug\n")

    assert running.configuration.settings.log_level == "error"


async def test_a_file_that_was_changed_is_read_by_itself(running: Running) -> None:
    async with followed(running):
        await anyio.Path(running.file).write_text(f"{HEAD}logLevel: debug\n")
        await until_level(running, "debug")


async def test_a_turned_link_is_a_changed_file(tmp_path: Path) -> None:
    for name, level in (("first", "info"), ("second", "debug")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"{HEAD}logLevel: {level}\n")
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    running = await to_thread.run_sync(Running, tmp_path / "config.yaml", {})

    async with followed(running):
        await anyio.Path(tmp_path / "new").symlink_to("second")
        await anyio.Path(tmp_path / "new").rename(tmp_path / "..data")
        await until_level(running, "debug")


async def test_when_asked_it_is_read_although_it_is_the_same(running: Running) -> None:
    await running.write(f"{HEAD}logLevel: debug\nsecrets: keys\n")
    assert running.configuration.settings.log_level == "info"  # there is no folder of that name
    await anyio.Path(running.file.parent / "keys").mkdir()

    async with followed(running):
        running.configuration.read_again()
        await until_level(running, "debug")


async def test_a_file_that_comes_later_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    places = "shoal.composition.configuration_file.default_places"
    monkeypatch.setattr(places, lambda: (file, file))
    running = await to_thread.run_sync(Running, file, FLAG)
    running.configuration.read_again()
    async with followed(running):
        await anyio.Path(file).write_text(f"{HEAD}allowExec: [aws]\n")
        while not running.configuration.allowed_programs:
            await anyio.sleep(0.01)

    assert running.configuration.as_fields()["file"] == str(file)
