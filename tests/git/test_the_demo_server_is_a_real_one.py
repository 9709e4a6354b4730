"""The Git server of the demo and of these tests: pushes, tokens, and the same port again."""

from __future__ import annotations

import subprocess

import pytest


@pytest.mark.parametrize("size", [10, 3 << 20])
async def test_a_push_with_the_token_lands(repository, server, size):
    await repository.commit({"a.txt": "a\n"})
    server.token = "t0ken"
    (repository.work / "large").write_bytes(b"large" * (size // 5))
    await repository.git("add", "-A")
    await repository.git("commit", "-q", "-m", "Large")

    with pytest.raises(subprocess.CalledProcessError):
        await repository.git("-c", "core.askPass=", "push", "-q", server.url("apps"), "HEAD:main")
    url = server.url("apps").replace("http://", "http://li:t0ken@")
    await repository.git("push", "-q", url, "HEAD:main")

    landed = await repository.git("--git-dir", str(repository.bare), "rev-parse", "main")
    assert landed == await repository.git("rev-parse", "HEAD")
    assert server.asked["push"] >= 1


async def test_the_port_stays_over_a_restart(repository, server):
    await repository.commit({"a.txt": "a\n"})
    before = server.url("apps")
    await server.stop()
    await server.start()

    assert server.url("apps") == before
    assert "refs/heads/main" in await repository.git("ls-remote", before)


@pytest.mark.parametrize("path", ["/..%2f..%2fapps.work", "/apps.git/../../apps.work"])
async def test_only_repositories_below_its_folder_are_served(repository, server, path):
    await repository.commit({"a.txt": "a\n"})
    root = server.url("apps").removesuffix("/apps.git")

    with pytest.raises(subprocess.CalledProcessError):
        await repository.git("ls-remote", f"{root}{path}")
