"""A live setting reaches the engine, and the ledger says who changed it."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
from anyio import to_thread

from shoal.api.listening import user_name
from shoal.composition.configuration_file import read_file
from shoal.composition.configuring import Configured, configure
from shoal.composition.engine import open_engine
from shoal.composition.hosting import thread_runner
from shoal.composition.loading import load_plugins
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.secret_files import SecretFolder
from shoal.composition.serving import Foundation
from shoal.engine.controller import Controller
from shoal.model.records import Deed

PLUGINS = load_plugins(["kubernetes"])
FLEET = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: acme}\n"
CONFIGURATION = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\nfleet: fleet\nstate: state\n"


async def test_a_fleet_that_is_looked_at_seldom_is_looked_at_often_from_now_on(
    tmp_path: Path,
) -> None:
    file, document = anyio.Path(tmp_path / "config.yaml"), anyio.Path(tmp_path / "fleet/fleet.yaml")
    await document.parent.mkdir()
    await document.write_text(FLEET)
    await file.write_text(f"{CONFIGURATION}fleetInterval: 24h\n")
    configuration = LiveConfiguration(await to_thread.run_sync(_configured, Path(file)))
    run = thread_runner()
    foundation = Foundation(configuration, PLUGINS, SecretFolder(None, run), run)

    async with open_engine(foundation) as controller:
        with anyio.fail_after(60):
            await until_named(controller, "acme")
            await document.write_text(f"{FLEET}spec: {{}}\nmistake: true\n")
            await file.write_text(f"{CONFIGURATION}fleetInterval: 1s\n")
            await configuration.reload(controller, run)
            while not controller.fleet().problems:
                await anyio.sleep(0.02)
        records = await controller.records()

    (told,) = [each.entry for each in records if each.entry.what is Deed.CONFIGURATION_CHANGED]
    assert (told.who, told.why) == (user_name(os.getuid()), "fleetInterval")


def _configured(file: Path) -> Configured:
    return configure({}, read_file(file))


async def until_named(controller: Controller, name: str) -> None:
    while controller.fleet().name != name:
        await anyio.sleep(0.02)
