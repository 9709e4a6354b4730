"""`python -m bench.repository`: what a huge repository costs a git source.

Makes a repository of many files and a long, incompressible past (once per folder), serves it over
HTTP from this process and as a folder, and reads it with the real source plugin in a process of its
own, so that the peaks of memory are the plugin's. Needs no cluster; part of no other run.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from rich.console import Console
from rich.table import Table

from shoal.model.identity import Ref
from shoal.testing.hosts import make_host
from shoal_clusters.demo.git_server import GitServer
from shoal_plugins.git import GitSource, mirrors
from shoal_plugins.git.specification import GitSpec

_PER_FOLDER = 100
_BLOB_BYTES = 256 * 1024  # of a packaged chart, say; nothing makes it smaller
_BLOBS_AT_ONCE = 50
_STEPS = ("first fetch", "list and read a folder", "unchanged", "one file changed")


class Change(NamedTuple):
    """One file of one commit."""

    path: str
    content: bytes


def main() -> None:
    """Measure what the arguments say and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.repository", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=1024, metavar="MIB")
    parser.add_argument("--folder", type=Path, help="keep the repository here for the next run")
    parser.add_argument("--by", nargs="+", choices=("http", "folder"), default=["http", "folder"])
    parser.add_argument("--read", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        url, history, folder = given.read
        anyio.run(_read, url, history, Path(folder))
        return
    with tempfile.TemporaryDirectory() as scratch:
        served = (given.folder or Path(scratch)) / "served"
        repository = served / f"files-{given.files}-history-{given.history}.git"
        if not repository.exists():
            _make(repository, given.files, given.history)
        anyio.run(_measure, repository, given.by, Path(scratch))


def _make(repository: Path, files: int, mebibytes: int) -> None:
    chance = random.Random(1)
    commits = [[_manifest(number, chance) for number in range(files)]]
    for number in range(mebibytes * 1024 * 1024 // _BLOB_BYTES):
        chart = Change(f"charts/{number % _BLOBS_AT_ONCE:02}.tgz", chance.randbytes(_BLOB_BYTES))
        commits.append([chart, _manifest(number * _PER_FOLDER % files, chance)])
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
    _import(repository, commits, is_first=True)


def _manifest(number: int, chance: random.Random) -> Change:
    data = "".join(f"  line{line}: value-{number}-{line}\n" for line in range(10))
    body = f"  name: settings-{number}\ndata:\n  key: {chance.getrandbits(256):x}\n{data}"
    path = f"apps/{number // _PER_FOLDER:04}/{number % _PER_FOLDER:02}.yaml"
    return Change(path, f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n{body}".encode())


def _import(repository: Path, commits: Iterable[list[Change]], *, is_first: bool) -> None:
    command = ["git", "-C", str(repository), "fast-import", "--quiet", "--depth=0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as importing:
        assert importing.stdin is not None
        for number, changes in enumerate(commits):
            continued = number == 0 and not is_first
            importing.stdin.writelines(_commit(changes, continued=continued))
        importing.stdin.close()
    assert importing.returncode == 0


def _commit(changes: list[Change], *, continued: bool) -> Iterator[bytes]:
    yield f"commit refs/heads/main\ncommitter A <a@b> {int(time.time())} +0000\n".encode()
    yield b"data 1\nx\n"
    if continued:
        yield b"from refs/heads/main^0\n"
    for path, content in changes:
        yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


async def _measure(repository: Path, ways: Sequence[str], scratch: Path) -> None:
    table = Table("history", "by", *_STEPS, "mirror", "peak of git", "peak of Shoal")
    async with GitServer(repository.parent) as server:
        for history in ("Full", "Latest"):
            for by in ways:
                url = server.url(repository.stem) if by == "http" else str(repository)
                mirror = scratch / f"{history}-{by}"
                table.add_row(history, by, *await _row(server, url, history, repository, mirror))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


async def _row(
    server: GitServer, url: str, history: str, repository: Path, folder: Path
) -> list[str]:
    command = [sys.executable, "-m", "bench.repository", "--read", url, history, str(folder)]
    cells: list[str] = []
    async with await anyio.open_process(command, stderr=None) as reading:
        assert reading.stdout is not None
        heard = BufferedByteReceiveStream(reading.stdout)
        for step in _STEPS:
            before = server.sent_bytes
            told = await _ask(reading, heard)
            sent = f", {_size(server.sent_bytes - before)}" if url.startswith("http") else ""
            cells.append(f"{told['seconds']:.2f} s{sent}")
            if step == "unchanged":
                change = [_manifest(0, random.Random())]
                await anyio.to_thread.run_sync(_append, repository, change)
        told = await _ask(reading, heard)
    disk = await anyio.to_thread.run_sync(_disk, folder)
    return [*cells, _size(disk), _size(told["git"]), _size(told["shoal"])]


def _disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _append(repository: Path, change: list[Change]) -> None:
    _import(repository, [change], is_first=False)


async def _ask(reading: Process, heard: BufferedByteReceiveStream) -> dict[str, Any]:
    assert reading.stdin is not None
    await reading.stdin.send(b"\n")
    answer: dict[str, Any] = json.loads(await heard.receive_until(b"\n", 4096))
    return answer


async def _read(url: str, history: str, folder: Path) -> None:
    """The process that is measured: does one step for each line that it is sent."""
    # The server of the bench makes a pack in full before it sends its first byte; forges do not.
    mirrors._SILENCE_SECONDS = mirrors._FETCH_SECONDS
    host = replace(make_host(folder), base_folder=Path("/"))
    spec = GitSpec.model_validate({"url": url, "branch": "main", "history": history})
    source, ref = GitSource(), Ref("default", "huge")
    artifact = None
    for step in _STEPS:
        await anyio.to_thread.run_sync(sys.stdin.readline)
        start = time.perf_counter()
        if artifact is None or step != _STEPS[1]:
            artifact = await source.fetch(ref, spec, artifact, host)
        else:
            for entry in await artifact.tree.list("apps/0000"):
                await artifact.tree.read(f"apps/0000/{entry.name}")
        _tell({"seconds": time.perf_counter() - start})
    await anyio.to_thread.run_sync(sys.stdin.readline)
    _tell(_peaks())


def _peaks() -> Mapping[str, float]:
    # Not our own ru_maxrss: it would be that of whoever started this process, when that is more.
    lines = Path("/proc/self/status").read_text().splitlines()
    own = next(line for line in lines if line.startswith("VmHWM"))
    git = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"git": git * 1024, "shoal": int(own.split()[1]) * 1024}


def _tell(facts: Mapping[str, float]) -> None:
    sys.stdout.write(f"{json.dumps(facts)}\n")
    sys.stdout.flush()


def _size(size: float) -> str:
    return f"{size / 1024:.1f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"


if __name__ == "__main__":
    main()
