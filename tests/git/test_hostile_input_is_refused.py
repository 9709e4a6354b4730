"""Addresses, refs, repositories and environments that try to make git do something else."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from shoal.errors import InvalidSource, ShoalError
from shoal_plugins.git.addresses import parse_address
from shoal_plugins.git.running import Command, environment, run_git

URL = "https://forge.example/apps.git"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c touch% /tmp/pwned",
        "EXT::sh",
        "fd::17/foo",
        "::https://forge.example/apps.git",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=touch /tmp/pwned",
        "ssh://-oProxyCommand=x/apps",
        "ssh://git@forge.example/apps.git",
        "git@forge.example:apps.git",
        "git://forge.example/apps.git",
        "ftp://forge.example/apps.git",
        "http://forge.example/apps.git",
        "http://127.0.0.1.forge.example/apps.git",
        "https://-forge.example/apps.git",
        "https:///apps.git",
        "https://forge.example/apps.git\nhttps://evil.example",
        "https://forge.example/apps%0a.git",
        "https://forge.example/apps.git#main",
        "https://[::1/apps.git",
        "file://evil.example/share",
        "a\0b",
        "x" * 3000,
    ],
)
async def test_a_hostile_address_is_refused_before_git_runs(reader, url):
    with pytest.raises(ValidationError):
        await reader.fetch(url)

    assert not list(reader.host.cache_folder.glob("*"))


@pytest.mark.parametrize(
    "ref",
    [
        *("", "--exec=sh", "-x", "refs/../..", "a..b", "a\nb", "a b", "a:b", "a~1", "a^", "@"),
        *("a@{1}", "a*", "a?", "a[b", "a\\b", "/a", "a/", "a.", "a.lock", ".a", "a/.b", "a//b"),
        *("refs/heads/main", "x" * 300),
    ],
)
@pytest.mark.parametrize("kind", ["branch", "tag"])
async def test_a_hostile_ref_is_refused_before_git_runs(reader, kind, ref):
    with pytest.raises(ValidationError):
        await reader.fetch(URL, **{kind: ref})

    assert not list(reader.host.cache_folder.glob("*"))


@pytest.mark.parametrize("commit", ["abc1234", "HEAD", "--all", "A" * 40, "1" * 41])
async def test_a_commit_is_forty_digits(reader, commit):
    with pytest.raises(ValidationError):
        await reader.fetch(URL, commit=commit)


async def test_only_one_of_branch_tag_and_commit_is_given(reader):
    with pytest.raises(ValidationError, match="at most one of branch, tag, commit and semver"):
        await reader.fetch(URL, branch="main", tag="v1")


@pytest.mark.parametrize("url", [".", "../apps.git", "/srv/apps.git", "file:///srv/apps.git"])
async def test_local_paths_are_refused_without_a_local_fleet(reader, url):
    with pytest.raises(InvalidSource, match="a local path is refused"):
        await reader.fetch(url)


@given(st.text(max_size=60))
def test_whatever_is_agreed_to_cannot_be_an_option_or_a_helper(text):
    try:
        address = parse_address(text)
    except ValueError:
        reject()

    assert address.protocol in ("https", "http", "file")
    assert not address.text.startswith("-")
    assert "::" not in address.text.split("/")[0]
    assert address.protocol == "file" or "@" not in address.text.split("/")[2]


@pytest.mark.parametrize("operand", ["--upload-pack=x", "-c", "a\nb", "a\0b", "a\rb"])
async def test_the_runner_itself_refuses_operands_that_look_like_options(reader, operand):
    with pytest.raises(InvalidSource, match="refused"):
        await run_git(Command("log", (), (operand,)), reader.host.cache_folder, reader.host)


def test_git_runs_without_the_configuration_of_anybody(tmp_path):
    variables = environment(Command("log"), tmp_path)
    configuration = {
        variables[f"GIT_CONFIG_KEY_{index}"]: variables[f"GIT_CONFIG_VALUE_{index}"]
        for index in range(int(variables["GIT_CONFIG_COUNT"]))
    }

    assert variables["GIT_ALLOW_PROTOCOL"] == "none"
    assert variables["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert variables["GIT_CONFIG_NOSYSTEM"] == variables["GIT_NO_REPLACE_OBJECTS"] == "1"
    assert configuration["core.hooksPath"] == "/dev/null"
    assert configuration["http.followRedirects"] == "false"


async def test_variables_of_the_caller_do_not_reach_git(
    repository, server, reader, monkeypatch, tmp_path
):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    for name in ("GIT_SSL_NO_VERIFY", "GIT_OBJECT_DIRECTORY", "GIT_TRACE", "GIT_CONFIG_PARAMETERS"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))

    artifact = await reader.fetch(server.url("apps"))

    assert artifact.revision == commit
    assert await artifact.tree.read("a.yaml") == b"a: 1\n"
    assert not (tmp_path / "elsewhere").exists()


async def test_hooks_and_configuration_of_a_repository_run_nothing(
    repository, local_reader, tmp_path
):
    await repository.commit({"a.yaml": "a: 1\n"})
    witness = tmp_path / "pwned"
    hook = f"#!/bin/sh\ntouch {witness}\n"
    for name in ("post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"):
        for folder in (repository.bare / "hooks", repository.work / ".git" / "hooks"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(hook)
            (folder / name).chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.pager"):
        for folder in (repository.bare, repository.work / ".git"):
            with (folder / "config").open("a") as config:
                section, name = key.split(".")
                config.write(f'[{section}]\n\t{name} = "touch {witness}"\n')

    for folder in (repository.bare, repository.work):
        artifact = await local_reader.fetch(str(folder))
        assert await artifact.tree.read("a.yaml") == b"a: 1\n"

    assert not witness.exists()


async def test_remote_text_cannot_control_a_terminal(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"}, "Evil \x1b[31mred\x07")

    artifact = await reader.fetch(server.url("apps"))

    assert artifact.provenance.subject == "Evil  [31mred "


async def test_too_much_output_is_cut_off(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await reader.fetch(server.url("apps"))
    mirror = next(reader.host.cache_folder.iterdir())

    with pytest.raises(ShoalError, match="printed more than 10 bytes"):
        await run_git(Command("for-each-ref", most_bytes=10), mirror, reader.host)
