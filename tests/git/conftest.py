"""A real Git server on loopback, a repository behind it, and the source that reads it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from tests.git.signing import (
    end_agent,
    expired_gpg_person,
    gpg_person,
    lapsed_gpg_person,
    ssh_person,
)

from shoal.hooks.host import Host
from shoal.model.artifacts import Artifact
from shoal.model.identity import Ref
from shoal.testing.hosts import make_host
from shoal_clusters.demo.git_server import GitServer
from shoal_plugins.git import GitSource, running
from shoal_plugins.git.specification import GitSpec

SOURCE = Ref("default", "web")
# The configuration of whoever runs the tests (signing, prompts) stays out of them.
_NOBODYS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True)
class Repository:
    """A working copy and the bare repository that it pushes to."""

    work: Path
    bare: Path

    async def git(self, *arguments: str, given: str | None = None) -> str:
        """Run git in the working copy."""
        return await anyio.to_thread.run_sync(self.git_now, arguments, given)

    def git_now(self, arguments: tuple[str, ...], given: str | None = None) -> str:
        identity = ["-c", "user.name=Li Example", "-c", "user.email=li@example.com"]
        return subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.work,
            check=True,
            capture_output=True,
            text=True,
            input=given,
            env={**os.environ, **_NOBODYS},
        ).stdout.strip()

    async def commit(self, files: Mapping[str, str], message: str = "Change", *push: str) -> str:
        """Write files, commit and push them; the new commit's id."""
        for name, content in files.items():
            path = anyio.Path(self.work / name)
            await path.parent.mkdir(parents=True, exist_ok=True)
            await path.write_text(content)
        await self.git("add", "-A")
        await self.git("commit", "--quiet", "--allow-empty", "-m", message)
        await self.git("push", "--quiet", "origin", "HEAD", *push)
        return await self.git("rev-parse", "HEAD")


@dataclass
class Reader:
    """Fetches as the engine does: with what was fetched before."""

    host: Host
    secrets: dict[str, dict[str, bytes]]
    source: GitSource = field(default_factory=GitSource)

    async def fetch(
        self, url: str, previous: Artifact | None = None, ref: Ref = SOURCE, **spec: object
    ) -> Artifact:
        return await self.source.fetch(
            ref, GitSpec.model_validate({"url": url, **spec}), previous, self.host
        )


def _new_repository(folder: Path, name: str) -> Repository:
    repository = Repository(folder / f"{name}.work", folder / "served" / f"{name}.git")
    repository.work.mkdir(parents=True)
    init = ("init", "--quiet", "--initial-branch=main")
    repository.git_now((*init, "--bare", str(repository.bare)))
    repository.git_now(init)
    repository.git_now(("remote", "add", "origin", str(repository.bare)))
    return repository


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[[str], Repository]:
    """Makes empty repositories that the server serves under their names."""
    return lambda name: _new_repository(tmp_path, name)


@pytest.fixture
def repository(new_repository: Callable[[str], Repository]) -> Repository:
    """One empty repository, served as `apps`."""
    return new_repository("apps")


@pytest.fixture
async def server(tmp_path: Path, repository: Repository) -> AsyncIterator[GitServer]:
    """A server that asks for no token and has `apps`."""
    async with GitServer(repository.bare.parent) as serving:
        yield serving


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Reads Git sources with an empty cache, no local roots, and a secret `forge`."""
    secrets = {"default/forge": {"token": b"canary-5f1d\n"}, "default/empty": {}}
    host = make_host(tmp_path / "host", secrets=secrets)
    return Reader(replace(host, base_folder=None), secrets)


@pytest.fixture
def local_reader(tmp_path: Path) -> Reader:
    """Reads Git sources of a fleet that is the local folder `fleet`."""
    host = make_host(tmp_path / "host")
    return Reader(replace(host, base_folder=tmp_path / "fleet"), {})


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Ann and Bob have SSH keys, Cleo and Dan OpenPGP keys, Eve's key expired, Finn's is revoked,
    and Gail's signatures have expired.

    Below `/tmp`, because the socket of gpg's agent has a short name or none.
    """
    folder = Path(tmp_path_factory.mktemp("p", numbered=True))
    known = SimpleNamespace(
        ann=ssh_person(folder, "ann"),
        bob=ssh_person(folder, "bob"),
        cleo=gpg_person(folder, "cleo"),
        dan=gpg_person(folder, "dan"),
        eve=expired_gpg_person(folder, "eve"),
        finn=gpg_person(folder, "finn"),
        gail=lapsed_gpg_person(folder, "gail"),
    )
    yield known
    for person in vars(known).values():
        end_agent(person.home)


@pytest.fixture
def trust(reader, people):
    """Puts keys into the secret `signers`; Ann and Cleo are trusted at first."""

    def put(**keys: bytes) -> None:
        reader.secrets["default/signers"] = keys

    put(allowed_signers=people.ann.allowed_signer, **{"cleo.asc": people.cleo.public})
    return put


@pytest.fixture
def git_calls(monkeypatch):
    """The git commands that were started, by name."""
    names: list[str] = []
    start = running._start

    def noted(argv, *rest):
        names.append(argv[1])
        return start(argv, *rest)

    monkeypatch.setattr(running, "_start", noted)
    return names
