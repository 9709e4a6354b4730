"""Addresses, refs, repositories and environments that try to make git do something else."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from shoal.errors import AccessDenied, InvalidSource, ShoalError
from shoal_plugins.git.addresses import parse_address
from shoal_plugins.git.running import Command, GitFailed, Remote, environment, run_git

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
        "https://forge.example\\@evil.example/apps.git",
        "https://forge.example:0/apps.git",
        "https://forge.example:99999/apps.git",
        "https://förge.example/apps.git",
        "https://forge%2eexample/apps.git",
        "https://$(touch x)/apps.git",
        "https://[fe80::1%25eth0]/apps.git",
        "https://[v1.x]/apps.git",
        "a\0b",
        "x" * 3000,
        # ssh: the host, user, port and path are arguments of a program that has options.
        "ssh://-oProxyCommand=x/apps",
        "ssh://git@-oProxyCommand=x/apps",
        "ssh://-oProxyCommand=x@forge.example/apps",
        "ssh://forge.example/apps.git",
        "ssh://@forge.example/apps.git",
        "ssh://git:password@forge.example/apps.git",
        "ssh://git;id@forge.example/apps.git",
        "ssh://$(id)@forge.example/apps.git",
        "ssh://g%2dt@forge.example/apps.git",
        "ssh://git@forge.example:-p/apps.git",
        "ssh://git@forge.example:/apps.git",
        "ssh://git@forge.example:0/apps.git",
        "ssh://git@forge.example:70000/apps.git",
        "ssh://git@forge.example",
        "ssh://git@forge.example/",
        "ssh://git@forge.example/a b",
        "ssh://git@forge.example/a\nb",
        "ssh://git@forge.example/a?b",
        "ssh://git@forge.example/a#b",
        "ssh://git@a,b/apps.git",
        "ssh://git@evil.example@forge.example/apps.git",
        "ssh://git@[forge.example]/apps.git",
        "SSH+git://git@forge.example/apps.git",
        "git+ssh://git@forge.example/apps.git",
        "git@-oProxyCommand=x:apps.git",
        "-oProxyCommand=x@forge.example:apps.git",
        "git@forge.example:-x",
        "git@forge.example:",
        "forge.example:apps.git",
        "git@a@forge.example:apps.git",
        "git@[::1]:apps.git",
        "git@forge.example:a\tb",
        "git@forge.example:a\\b",
        "g'it@forge.example:apps.git",
    ],
)
async def test_a_hostile_address_is_refused_before_git_runs(reader, url):
    with pytest.raises(ValidationError) as refused:
        await reader.fetch(url, secret_ref={"name": "forge"})

    assert "needs secretRef" not in str(refused.value)
    if len(url) > 10:
        assert url not in str(refused.value)

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


# Whole addresses, so that most of them come near to being agreed to, with odd marks everywhere.
_PARTS = st.sampled_from(
    [
        *("ssh://", "https://", "http://", "file://", "ext::", "git", "@", ":", "22", "/", "//"),
        *("forge.example", "127.0.0.1", "[::1]", "localhost", "-oProxyCommand=x", "apps.git"),
        *("..", "~", "%0a", "%2d", "\\", "\n", "\0", " ", "?", "#", "'", '"', "$(id)", ";", "é"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(_PARTS, min_size=1, max_size=9).map("".join)))
@example("ssh://git@forge.example:2222/team/apps.git")
@example("git@forge.example:team/apps.git")
@example("https://forge.example/apps.git")
def test_whatever_is_agreed_to_cannot_be_an_option_or_a_helper(text):
    try:
        address = parse_address(text)
    except ValueError:
        reject()

    assert address.protocol in ("https", "http", "ssh", "file")
    assert not address.text.startswith("-")
    assert "::" not in address.text.split("/")[0]
    assert not re.search(r"[\x00-\x1f\x7f]", address.text)
    if address.protocol == "file":
        return
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]*|[0-9a-f:]+", address.host)
    assert address.port is None or 0 < address.port < 65536
    assert address.protocol != "http" or address.is_loopback
    if address.is_ssh:
        user, host, path = _as_git_reads_it(address.text)
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", user)
        assert host.lower() == address.host
        assert path
        assert not path.startswith("-")
    else:
        assert "@" not in address.text.split("/")[2]


def _as_git_reads_it(text: str) -> tuple[str, str, str]:
    """User, host and path as connect.c of git takes them apart, written once more."""
    if "://" in text:
        server, _, path = text.partition("://")[2].partition("/")
        path = f"/{path}"
    else:
        server, _, path = text.partition(":")
    user, _, host = server.rpartition("@")
    if host.startswith("["):
        host = host[1:].partition("]")[0]
        return user, str(ipaddress.IPv6Address(host)), path
    return user, host.partition(":")[0] if "://" in text else host, path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", b"a\r\nX-Injected: 1"),
        ("token", b"a\nb"),
        ("token", b"a\0b"),
        ("token", b"a\x1bb"),
        ("token", b"x" * 20_000),
        ("bearerToken", b"a\r\nX-Injected: 1"),
        ("bearerToken", b"a b"),
        ("bearerToken", 'a"\\é'.encode()),
        ("username", b"li\r\nX-Injected: 1"),
        ("username", b"l:i"),
        ("password", b"a\nb"),
    ],
)
async def test_a_value_that_would_break_a_line_is_refused(server, reader, key, value):
    secret = {"username": b"li", "password": b"pw"} if key in ("username", "password") else {}
    reader.secrets["default/forge"] = {**secret, key: value}

    with pytest.raises(AccessDenied, match="secret default/forge") as refused:
        await reader.fetch(server.url("apps"), secret_ref={"name": "forge"})

    assert "Injected" not in str(refused.value)
    assert not server.asked


@pytest.mark.parametrize("token", ['"; command = "x', "a\\nb", "a;b#c", " #x", "[http]", "é"])
async def test_odd_values_reach_the_server_as_they_are(repository, server, reader, token):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    server.token = token.strip()
    for secret in ({"token": token.encode()}, {"username": b'l"i\\', "password": token.encode()}):
        reader.secrets["default/forge"] = secret

        artifact = await reader.fetch(server.url("apps"), secret_ref={"name": "forge"})

        assert artifact.revision == commit


async def test_no_ssh_runs_without_a_key_of_ours(reader, monkeypatch, tmp_path):
    witness = tmp_path / "pwned"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {witness}; false")
    address = parse_address("ssh://git@127.0.0.1:1/apps.git")
    command = Command("ls-remote", (), (address.text,), remote=Remote(address, address.text))

    with pytest.raises(GitFailed):
        await run_git(command, reader.host.cache_folder / "mirror", reader.host)

    assert not witness.exists()
    assert environment(command, tmp_path)["GIT_SSH_COMMAND"] == "false"


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
    await repository.commit({"a.yaml": "a: 0\n"})
    # GitPython asks for the version of git once per process, in no repository and as the caller.
    await reader.fetch(server.url("apps"))
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
