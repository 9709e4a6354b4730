"""Which controllers run on this machine, and where their state and sockets are.

Each controller announces itself by a small file in `<state root>/running/`, named after its state
folder, so that commands without `--state` find it wherever its state lies. An announcement counts
only while somebody answers on the socket: a controller that was killed leaves a file that means
nothing. Synchronous and light: this is on the path of every command.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from shoal.errors import NotRunning, ShoalError
from shoal.model.locations import is_remote

SOCKET = "api.sock"
_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux and 104 on macOS
_PROBE_SECONDS = 1.0
START_ONE = "start one with `shoal run --fleet DIR|URL`"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One controller, as it announced itself."""

    state: str
    fleet: str
    pid: int


def state_root() -> Path:
    """The folder above all default state folders: `$XDG_STATE_HOME/shoal`."""
    import platformdirs  # 20 ms, and not needed with --state

    return platformdirs.user_state_path("shoal")


def default_state_folder(fleet: str) -> Path:
    """The state folder of a fleet that was given none: by the hash of its resolved location."""
    return state_root() / hashlib.sha256(_located(fleet).encode()).hexdigest()[:12]


def _located(fleet: str) -> str:
    """A fleet as it can be told from others anywhere: a folder by its whole path."""
    return fleet if is_remote(fleet) else str(Path(fleet).resolve())


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """An address for bind and connect, also where the path is longer than the system allows.

    The detour over `/proc/self/fd` is Linux's; elsewhere a long path is an error that says so.
    """
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        yield str(path)
        return
    if not Path("/proc/self/fd").is_dir():
        raise ShoalError(
            f"the path {path} is too long for a socket", next_step="give a shorter --state folder"
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connect(state: Path, timeout_seconds: float) -> socket.socket:
    """A connection to the controller of a state folder; OSError when nobody answers."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        with socket_address(state / SOCKET) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def answers(state: Path) -> bool:
    """Does a controller listen on the socket of this state folder?"""
    try:
        connect(state, _PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def _announcement_file(state: Path, root: Path) -> Path:
    name = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    return root / "running" / f"{name}.json"


def announce(state: Path, fleet: str, root: Path | None = None) -> Path:
    """Announce a controller and forget those that are gone; the file is unlinked at the end."""
    root = root or state_root()
    file = _announcement_file(state, root)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_the_dead(root)
    scratch = file.with_suffix(f".{os.getpid()}")
    announced = Announcement(str(state.resolve()), _located(fleet), os.getpid())
    scratch.write_text(json.dumps(asdict(announced)))
    scratch.replace(file)
    return file


def _forget_the_dead(root: Path) -> None:
    for file in (root / "running").glob("*.json"):
        found = _read(file)
        if found is None or not answers(Path(found.state)):
            with contextlib.suppress(OSError):
                file.unlink()


def running(root: Path | None = None) -> Sequence[Announcement]:
    """The controllers that answer now, by fleet."""
    found = (_read(file) for file in sorted(((root or state_root()) / "running").glob("*.json")))
    alive = [one for one in found if one is not None and answers(Path(one.state))]
    return sorted(alive, key=lambda one: (one.fleet, one.state))


def _read(file: Path) -> Announcement | None:
    try:
        return Announcement(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def find_state_folder(given: Path | None, *, root: Path | None = None) -> Path:
    """The state folder that a command means: the one given, else that of the only controller.

    Raises NotRunning when there is no controller, or more than one to choose from.
    """
    if given is not None:
        return given
    found = running(root)
    if len(found) == 1:
        return Path(found[0].state)
    if not found:
        raise NotRunning("no controller is running on this machine", next_step=START_ONE)
    listed = "\n".join(f"  --state {one.state}   # {one.fleet}" for one in found)
    raise NotRunning(
        f"{len(found)} controllers are running on this machine",
        next_step=f"name one of them, each time or once by SHOAL_STATE=DIR:\n{listed}",
    )
