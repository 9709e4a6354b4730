"""The fleet's own repository is read with a secret, like that of any source."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from shoal.composition.configuring import Configured
from shoal.composition.engine import open_engine
from shoal.composition.hosting import thread_runner
from shoal.composition.loading import load_plugins
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.secret_files import SecretFolder
from shoal.composition.serving import Foundation
from shoal.composition.settings import Settings
from shoal.engine.controller import Controller
from shoal.engine.views.fleet import FleetView
from shoal.errors import Permanent
from shoal_clusters.demo.git_server import GitServer

PLUGINS = load_plugins()
FLEET = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: acme}\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GitServer]:
    """A server with the fleet `fleet`, which asks for a token."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "fleet.yaml").write_text(FLEET)
    identity = ("-c", "user.name=Li", "-c", "user.email=li@example.com")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("commit", "-q", "-m", "Fleet"),
        ("clone", "-q", "--bare", ".", str(tmp_path / "served" / "fleet.git")),
    ):
        run = partial(subprocess.run, cwd=work, check=True, env={**os.environ, **NOBODYS})
        await anyio.to_thread.run_sync(run, ["git", *identity, *arguments])
    async with GitServer(tmp_path / "served", token="t0ken") as serving:
        yield serving


NOBODYS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def foundation(tmp_path: Path, fleet: str, **more: Any) -> Foundation:
    secrets = tmp_path / "secrets"
    settings = Settings(fleet=fleet, state=tmp_path / "state", secrets=secrets, **more)
    configuration, runner = LiveConfiguration(Configured.by_default(settings)), thread_runner()
    return Foundation(configuration, PLUGINS, SecretFolder(secrets, runner), runner)


async def loaded(controller: Controller) -> FleetView:
    """The fleet as soon as something is known of it."""
    with anyio.fail_after(30):
        while not (fleet := controller.fleet()).loaded_at and not fleet.message:
            await anyio.sleep(0.01)
    return fleet


async def test_the_secret_opens_the_fleet(tmp_path, server):
    secret = tmp_path / "secrets" / "shoal" / "forge"
    secret.mkdir(parents=True)
    (secret / "token").write_text("t0ken\n")
    given = foundation(tmp_path, server.url("fleet"), fleet_secret="forge")

    async with open_engine(given) as controller:
        fleet = await loaded(controller)

    assert fleet.name == "acme"


async def test_without_the_secret_the_fleet_says_what_is_missing(tmp_path, server):
    async with open_engine(foundation(tmp_path, server.url("fleet"))) as controller:
        fleet = await loaded(controller)

    assert fleet.loaded_at is None
    assert "asks for a credential and none is given" in fleet.message


async def test_a_secret_that_is_not_there_is_named(tmp_path, server):
    (tmp_path / "secrets").mkdir()
    given = foundation(tmp_path, server.url("fleet"), fleet_secret="forge")

    async with open_engine(given) as controller:
        fleet = await loaded(controller)

    assert "the secret shoal/forge is not in" in fleet.message


@pytest.mark.parametrize(
    ("fleet", "more", "expected"),
    [
        ("ssh://git@forge.example/fleet.git", {}, "an ssh address needs secretRef"),
        ("git@forge.example:fleet.git", {}, "an ssh address needs secretRef"),
        ("https://li:canary@forge.example/fleet.git", {}, "credentials do not belong in an addr"),
        ("https://forge.example/fleet.git", {"fleet_branch": "a..b"}, "expected the short name"),
        ("https://forge.example/fleet.git", {"fleet_secret": "../x"}, "cannot be used"),
        ("/fleet", {"fleet_secret": "forge"}, "a fleet in a folder takes no --fleet-secret"),
    ],
)
async def test_options_that_cannot_be_are_refused_at_start(tmp_path, fleet, more, expected):
    with pytest.raises(Permanent, match=expected) as refused:
        async with open_engine(foundation(tmp_path, fleet, **more)):
            pass

    assert "canary" not in str(refused.value)
