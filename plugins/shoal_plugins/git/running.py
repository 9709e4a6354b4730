"""The one place that starts git: every guard against a hostile address, ref or repository is here.

Git runs with an environment of ours: no system, user or repository-given configuration, no prompt,
no hooks, submodules, filters or replace refs, no redirect, no background maintenance, and only the
one protocol that the address needs. Secrets come by `lending`, never by argument or environment.
Options and operands are kept apart by `--`. A call has a deadline, and cancelling it ends git and
everything git started. Used by `mirrors` and `blobs`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio

from shoal.errors import BinaryUnavailable, BudgetExceeded, InvalidSource, SourceUnavailable
from shoal.hooks.host import Host
from shoal_plugins.git.addresses import Address
from shoal_plugins.git.credentials import Credential, Proxy
from shoal_plugins.git.diagnosing import diagnose
from shoal_plugins.git.keyrings import verification_settings
from shoal_plugins.git.lending import lend

if TYPE_CHECKING:
    from git.cmd import Git

OLDEST_GIT = (2, 32)  # the first that takes the file of its configuration from GIT_CONFIG_GLOBAL
_INHERITED = frozenset({"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_EXEC_PATH"})
_KEPT_STDERR = 16 * 1024
_GRACE_SECONDS = 2.0  # git removes its lock files on SIGTERM; SIGKILL would leave them
_CONFIGURATION = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    # Garbage collection stays cheap where the past is long; see `tidying`.
    "gc.bigPackThreshold": "512m",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "transfer.bundleURI": "false",
    # A redirect would carry the credential to another host, or the request into another network.
    "http.followRedirects": "false",
    # Give up on a connection that moves less than 1 KB/s for half a minute.
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
}


@dataclass(frozen=True, slots=True)
class Remote:
    """Where git may connect to, and with what."""

    address: Address
    location: str
    credential: Credential | None = None
    proxy: Proxy | None = None

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no text may repeat."""
        parts = self.credential, self.proxy
        return tuple(word for part in parts if part is not None for word in part.hidden)


@dataclass(frozen=True, slots=True)
class Command:
    """One call of git. `operands` come from outside; `options` are constants of ours."""

    name: str
    options: Sequence[str] = ()
    operands: Sequence[str] = ()
    stdin: bytes = b""
    remote: Remote | None = None
    deadline_seconds: float = 60.0
    # Of a git that says nothing for so long, nothing more is expected.
    silence_seconds: float = inf
    most_bytes: int = 64 * 1024 * 1024
    # A folder of `keyrings`, for the calls that check signatures.
    keyring: Path | None = None


class GitFailed(Exception):
    """Git ended with an error; `explaining` makes a sentence of it, nobody else sees it."""

    def __init__(self, status: int, stderr: str) -> None:
        super().__init__(f"git ended with status {status}")
        self.status = status
        self.stderr = stderr


async def run_git(command: Command, mirror: Path, host: Host) -> bytes:
    """Run git on a mirror and return what it printed; raises as `hear_git` does."""
    return (await hear_git(command, mirror, host))[0]


async def hear_git(command: Command, mirror: Path, host: Host) -> tuple[bytes, str]:
    """What git printed, and the end of what it said on stderr; no thread is held while it runs.

    Raises GitFailed, BudgetExceeded for too much output, SourceUnavailable after a deadline.
    Cancelling ends git and its children, and waits for their end (2 s at most).
    """
    remote, variables = command.remote, environment(command, mirror)
    if remote is None:
        return await _run(command, variables, mirror, host)
    reached = remote.address, remote.credential, remote.proxy
    async with lend(*reached, host) as lent:
        try:
            return await _run(command, {**variables, **lent}, mirror, host)
        except GitFailed as failure:
            more = await diagnose(failure.stderr, *reached, host)
            raise GitFailed(failure.status, failure.stderr + more) from None


async def _run(
    command: Command, variables: Mapping[str, str], mirror: Path, host: Host
) -> tuple[bytes, str]:
    child = await host.run_in_thread(_start, _argv(command), variables, mirror, command.stdin)
    is_whole, status = False, -1
    try:
        with anyio.fail_after(command.deadline_seconds):
            stdout, stderr = await _collect(child, command)
        is_whole = len(stdout) <= command.most_bytes
    except TimeoutError:
        raise SourceUnavailable(
            f"git {command.name} did not end within {command.deadline_seconds:g} s"
        ) from None
    finally:
        with anyio.CancelScope(shield=True):
            status = await host.run_in_thread(_end, child, not is_whole)
    if not is_whole:
        raise BudgetExceeded(f"git {command.name} printed more than {command.most_bytes} bytes")
    said = stderr.decode(errors="replace")
    if status != 0:
        raise GitFailed(status, said)
    return bytes(stdout), said


def _argv(command: Command) -> list[str]:
    for operand in command.operands:
        if operand.startswith("-") or any(mark in operand for mark in "\0\n\r"):
            raise InvalidSource("refused to hand git an operand that could be taken for an option")
    # For revision walkers `--` means "paths follow", so the other separator stands before.
    if command.name == "log":
        return ["git", "log", *command.options, "--end-of-options", *command.operands, "--"]
    operands = ["--", *command.operands] if command.operands else []
    return ["git", command.name, *command.options, *operands]


def environment(command: Command, mirror: Path) -> Mapping[str, str]:
    """What is set for git on top of PATH, proxies and the like of this process."""
    configuration = dict(_CONFIGURATION)
    remote = command.remote
    if remote is not None and remote.address.is_loopback:
        configuration["http.proxy"] = ""
    if command.keyring is not None:
        configuration |= verification_settings(command.keyring)
    variables = {
        "GIT_DIR": str(mirror),
        "GIT_ALLOW_PROTOCOL": remote.address.protocol if remote else "none",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GNUPGHOME": str(command.keyring or mirror),
        # Until `lend` gives a key and known hosts there is no ssh: never that of the user.
        "GIT_SSH_COMMAND": "false",
        "GIT_CONFIG_COUNT": str(len(configuration)),
        # Keeps curl from the .netrc of whoever runs Shoal.
        "HOME": str(mirror),
    }
    for index, (key, value) in enumerate(configuration.items()):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    return variables


def _without_foreign_variables(argv: list[str], ours: Mapping[str, str]) -> list[str]:
    # GitPython passes the whole environment on and can only add to it. GIT_SSL_NO_VERIFY, GIT_TRACE
    # or GIT_OBJECT_DIRECTORY of the caller take effect even when empty, so env(1) removes them.
    foreign = sorted(
        name
        for name in os.environ
        if name.startswith("GIT_") and name not in ours and name not in _INHERITED
    )
    unset = [part for name in foreign for part in ("-u", name)]
    return ["env", *unset, *argv] if unset else argv


def _start(
    argv: list[str], variables: Mapping[str, str], folder: Path, stdin: bytes
) -> Git.AutoInterrupt:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        child = _git(folder).execute(
            _without_foreign_variables(argv, variables),
            istream=cast(Any, given),
            as_process=True,
            env=variables,
            start_new_session=True,  # its own process group, so that `_end` reaches its children
        )
    for stream in (child.stdout, child.stderr):
        os.set_blocking(stream.fileno(), False)
    return child


async def _collect(child: Git.AutoInterrupt, command: Command) -> tuple[bytearray, bytearray]:
    """Read both pipes to their end, or stop when stdout is longer than agreed."""
    process = _process(child)
    stdout, stderr = bytearray(), bytearray()
    with anyio.move_on_after(command.silence_seconds) as patience:
        async with anyio.create_task_group() as group:
            group.start_soon(_drain_stderr, process.stderr, stderr, patience, command)
            while chunk := await _chunk(process.stdout, patience, command):
                stdout += chunk
                if len(stdout) > command.most_bytes:
                    group.cancel_scope.cancel()
                    break
    if patience.cancelled_caught:
        raise SourceUnavailable(
            f"git {command.name} got no answer within {command.silence_seconds:g} s"
        )
    return stdout, stderr


async def _drain_stderr(
    stream: Any, into: bytearray, patience: anyio.CancelScope, command: Command
) -> None:
    while chunk := await _chunk(stream, patience, command):
        into += chunk
        del into[:-_KEPT_STDERR]


async def _chunk(stream: Any, patience: anyio.CancelScope, command: Command) -> bytes:
    await anyio.wait_readable(stream)
    patience.deadline = anyio.current_time() + command.silence_seconds
    return os.read(stream.fileno(), 65536)


def _end(child: Git.AutoInterrupt, at_once: bool) -> int:
    """Wait for the end of git, after asking for it when it is not done; closes its pipes."""
    process = _process(child)
    if at_once:
        # Nothing has waited for the leader yet, so its group cannot be anybody else's.
        os.killpg(process.pid, signal.SIGTERM)
    try:
        status = process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return status


def _process(child: Git.AutoInterrupt) -> subprocess.Popen[bytes]:
    assert child.proc is not None
    return child.proc


def _git(folder: Path) -> Git:
    try:
        # Imported late: GitPython looks for git while it is imported, and raises without one.
        from git.cmd import Git
    except ImportError as error:
        raise BinaryUnavailable("git is not on PATH", next_step="install git") from error
    return Git(folder)
