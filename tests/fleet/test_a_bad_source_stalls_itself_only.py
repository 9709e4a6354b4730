"""A repository that cannot be read keeps what came from it, says why, and is read again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from tests.fleet.harness import FleetUnderTest, Repository, config_map, path_of

from shoal.engine.views.fleet import SourceView
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal_clusters.controlplane.client import Client
from shoal_clusters.demo.git_server import Behaviour, GitServer

FORGE = Ref("default", "forge")
SUBJECT = "source default/forge"
TOKEN = "canary-good"


@dataclass
class Forge:
    """A second repository, behind a server that asks for a token; `shop` is read from it."""

    fleet: FleetUnderTest
    server: GitServer
    work: Repository
    bare: Path
    namespace: str

    async def push(self, step: str, *options: str) -> str:
        """Commit `shop` with this step, push it, and have it fetched; the new revision."""
        self.work.write("shop/all.yaml", config_map("shop", self.namespace, step=step))
        revision = self.work.commit(f"Step {step}")
        await self.git("push", "-q", *options, str(self.bare), "main")
        await self.refresh()
        return revision

    async def git(self, *arguments: str) -> str:
        return await anyio.to_thread.run_sync(self.work.git, *arguments)

    async def refresh(self) -> None:
        if self.fleet.is_running:
            await self.fleet.controller.refresh(FORGE, who="test")

    def view(self) -> SourceView:
        (view,) = (each for each in self.fleet.controller.sources() if each.name == "forge")
        return view

    async def until_failed(self) -> SourceView:
        await self.fleet.until(self.fleet.controller.sources, "the sources")
        await self.refresh()
        await self.fleet.until(lambda: self.view().ready == "False", "the source failed")
        return self.view()

    def set_token(self, token: str) -> None:
        folder = self.fleet.folder / "secrets/forge"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text(token)

    async def until_synced(self, revision: str) -> None:
        await self.fleet.until_revision(revision, "shop")

    async def until_the_good_one_goes_on(self) -> None:
        """The other application, from the other repository, follows a commit meanwhile."""
        self.fleet.repository.write("good/all.yaml", config_map("good", self.namespace, step="2"))
        await self.fleet.until_revision(await self.fleet.push("Go on"), "good")


@pytest.fixture
async def forge(
    small_fleet: FleetUnderTest, namespace: str, tmp_path: Path
) -> AsyncIterator[Forge]:
    work, bare = Repository(tmp_path / "work"), tmp_path / "served/shop.git"
    work.folder.mkdir()
    work.git("init", "-q", "-b", "main")
    work.git("init", "-q", "--bare", "-b", "main", str(bare))
    Repository(bare).git("config", "receive.denyDeleteCurrent", "ignore")
    async with GitServer(bare.parent, token=TOKEN) as server:
        small_fleet.declare_source(
            "forge", url=server.url("shop"), branch="main", secretRef={"name": "forge"}
        )
        small_fleet.declare_application("shop", source={"ref": "forge", "path": "shop"})
        small_fleet.declare_application("good")
        small_fleet.repository.write("good/all.yaml", config_map("good", namespace, step="1"))
        small_fleet.repository.commit("Open the good one")
        forge = Forge(small_fleet, server, work, bare, namespace)
        forge.set_token(TOKEN)
        yield forge


async def test_a_repository_that_is_gone_is_waited_for(forge: Forge) -> None:
    revision = await forge.push("1")
    async with forge.fleet.running():
        await forge.until_synced(revision)
        await forge.server.stop()
        down = await forge.until_failed()
        await forge.until_the_good_one_goes_on()
        await forge.until_synced(revision)
        shop = forge.fleet.application("shop")
        await forge.server.start()
        await forge.until_synced(await forge.push("2"))
        await forge.fleet.until_recorded(Deed.SOURCE_RECOVERED, SUBJECT)
        ready = forge.view().ready

    assert down.revision == revision
    assert "cannot be read: unable to access" in down.message
    assert (shop.phase, shop.revision) == ("Synced", revision)
    assert shop.message == f"source default/forge: {down.message}"
    assert ready == "True"


async def test_a_repository_that_does_not_exist_says_so(forge: Forge) -> None:
    revision = await forge.push("1")
    async with forge.fleet.running():
        await forge.until_synced(revision)
        away = forge.bare.with_name("away.git")
        shutil.move(forge.bare, away)
        gone = await forge.until_failed()
        await forge.until_the_good_one_goes_on()
        await forge.until_synced(revision)
        shutil.move(away, forge.bare)
        await forge.until_synced(await forge.push("2"))

    assert gone.message == (
        f"there is no Git repository at {forge.server.url('shop')}, or the credential may not "
        "see it"
    )
    assert gone.next_step == "check the address and the secret"


async def test_a_force_pushed_branch_is_followed(
    forge: Forge, namespace: str, admin: Client
) -> None:
    first = await forge.push("1")
    async with forge.fleet.running():
        await forge.until_synced(first)
        await forge.until_synced(await forge.push("2"))
        await forge.git("reset", "-q", "--hard", first)
        await forge.until_synced(await forge.push("3", "--force"))
        live = await admin.get(path_of(config_map("shop", namespace)))

    assert live["data"] == {"step": "3"}


async def test_a_branch_that_is_deleted_keeps_what_came_from_it(forge: Forge) -> None:
    revision = await forge.push("1")
    async with forge.fleet.running():
        await forge.until_synced(revision)
        await forge.git("push", "-q", str(forge.bare), "main:mian", ":main")
        gone = await forge.until_failed()
        await forge.until_the_good_one_goes_on()
        await forge.until_synced(revision)
        await forge.until_synced(await forge.push("2"))

    assert gone.message == f"repository {forge.server.url('shop')} has no branch main"
    assert gone.next_step == "did you mean mian?"


async def test_a_wrong_token_says_which_secret_and_is_never_shown(
    forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    revision = await forge.push("1")
    forge.set_token("canary-wrong")
    async with forge.fleet.running():
        wrong = await forge.until_failed()
        await forge.until_the_good_one_goes_on()
        await forge.fleet.until(lambda: forge.fleet.application("shop").message, "a message")
        shop = forge.fleet.application("shop")
        forge.set_token(TOKEN)
        await forge.refresh()
        await forge.until_synced(revision)
        records = await forge.fleet.controller.records(limit=1000)

    assert wrong.message == (
        f"repository {forge.server.url('shop')} refused the credential in secret default/forge"
    )
    assert wrong.next_step == "put a token that may read the repository into that secret"
    assert shop.phase == "Failed"
    assert shop.message == wrong.message
    for canary in ("canary-wrong", TOKEN):
        assert canary not in f"{wrong}{shop}{records}{caplog.text}"


async def test_a_secret_that_is_missing_says_where_it_is_looked_for(forge: Forge) -> None:
    await forge.push("1")
    shutil.rmtree(forge.fleet.folder / "secrets/forge")
    async with forge.fleet.running():
        missing = await forge.until_failed()
        await forge.until_the_good_one_goes_on()

    assert missing.message.startswith("the secret default/forge is not in ")
    assert missing.next_step.startswith("write its keys as files into ")


async def test_a_server_that_fails_is_asked_again(forge: Forge) -> None:
    revision = await forge.push("1")
    forge.server.behaviour = Behaviour.FAIL
    async with forge.fleet.running():
        failing = await forge.until_failed()
        forge.server.behaviour = Behaviour.SERVE
        await forge.until_synced(revision)

    assert "503" in failing.message


async def test_a_source_that_fails_on_and_on_is_recorded_once(forge: Forge) -> None:
    revision = await forge.push("1")
    async with forge.fleet.running():
        await forge.until_synced(revision)
        forge.server.behaviour = Behaviour.FAIL
        await forge.until_failed()
        asked = forge.server.asked.total()
        await forge.refresh()
        await forge.fleet.until(lambda: forge.server.asked.total() > asked, "another try")
        await forge.until_the_good_one_goes_on()
        records = await forge.fleet.records(Deed.SOURCE_FAILED, SUBJECT)

    assert len(records) == 1
