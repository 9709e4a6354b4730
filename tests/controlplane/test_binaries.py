"""A helper program is found, downloaded or built in one order, and never a wrong one is used."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from shoal.binaries import Binary, Recipe, Release, downloading, locate
from shoal.binaries.downloading import parse_checksum
from shoal.binaries.specification import this_platform
from shoal.errors import BinaryUnavailable

CONTENT = b"#!/bin/sh\necho published\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE, SUM = "/v1.0/anchor", "/v1.0/anchor.sha256"
ANCHOR = Binary(
    name="anchor",
    version="1.0",
    release=Release(
        host="http://127.0.0.1:9",  # the discard port: nothing listens
        path="/v{version}/anchor",
        checksum_path="/v{version}/anchor.sha256",
        platforms=frozenset({this_platform()}),
    ),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Told:
    """A `Progress` that remembers."""

    messages: list[str] = field(default_factory=list[str])
    fractions: list[float | None] = field(default_factory=list[float | None])

    def __call__(self, message: str, fraction: float | None) -> None:
        self.messages.append(message)
        self.fractions.append(fraction)


@pytest.fixture(autouse=True)
def nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No helper program on this machine, and a cache that is empty."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("SHOAL_BINARY_MIRROR", raising=False)


@asynccontextmanager
async def serving(answers: Mapping[str, bytes | Handler]) -> AsyncIterator[str]:
    """A web server on loopback with these answers; everything else is 404."""

    async def answer(request: web.Request) -> web.StreamResponse:
        found = answers.get(request.path)
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found) if isinstance(found, bytes) else await found(request)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def cached(tmp_path: Path, name: str = "anchor", version: str = "1.0") -> Path:
    return tmp_path / "cache" / "shoal" / "bin" / f"{name}-{version}" / name


def leftovers(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache" / "shoal" / "bin").glob(".new-*")]


def write_program(path: Path, text: str = "echo v9") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def test_the_assets_folder_comes_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_program(tmp_path / "assets" / "anchor")
    write_program(tmp_path / "path" / "anchor")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(first.parent))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))

    assert await locate(ANCHOR) == first


async def test_path_comes_before_the_cache_and_its_version_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_program(tmp_path / "path" / "anchor")
    write_program(cached(tmp_path))
    monkeypatch.setenv("PATH", str(first.parent))
    told = Told()

    assert await locate(ANCHOR, progress=told) == first
    assert told.messages == [f"anchor: using {first} (v9)"]


async def test_a_program_that_cannot_say_its_version_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_program(tmp_path / "path" / "anchor", "exit 1")
    monkeypatch.setenv("PATH", str(first.parent))
    told = Told()

    assert await locate(ANCHOR, progress=told) == first
    assert "version unknown" in told.messages[0]


async def test_what_the_wheel_brought_comes_before_the_cache(tmp_path: Path) -> None:
    write_program(cached(tmp_path))
    packaged = write_program(tmp_path / "wheel" / "anchor")

    assert await locate(replace(ANCHOR, packaged=packaged)) == packaged


async def test_the_cache_comes_before_the_download(tmp_path: Path) -> None:
    program = write_program(cached(tmp_path))

    async with serving({FILE: CONTENT, SUM: SHA256.encode()}) as mirror:
        assert await locate(ANCHOR, mirror=mirror) == program

    assert program.read_bytes() != CONTENT


async def test_a_release_is_downloaded_once_and_can_be_run(tmp_path: Path) -> None:
    told = Told()

    async with serving({FILE: CONTENT, SUM: f"{SHA256}\n".encode()}) as mirror:
        program = await locate(ANCHOR, mirror=mirror, progress=told)

    assert program == cached(tmp_path)
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"published\n"
    assert 1.0 in told.fractions
    assert leftovers(tmp_path) == []


async def test_the_mirror_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving({FILE: CONTENT, SUM: SHA256.encode()}) as mirror:
        monkeypatch.setenv("SHOAL_BINARY_MIRROR", mirror)

        assert await locate(ANCHOR) == cached(tmp_path)


async def test_a_pinned_checksum_needs_no_published_one(tmp_path: Path) -> None:
    assert ANCHOR.release is not None
    pinned = replace(ANCHOR, release=replace(ANCHOR.release, sha256={this_platform(): SHA256}))

    async with serving({FILE: CONTENT}) as mirror:
        assert await locate(pinned, mirror=mirror) == cached(tmp_path)


async def test_a_program_is_taken_out_of_a_published_archive(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("anchor-v1.0/anchor")
        entry.size = len(CONTENT)
        tar.addfile(entry, io.BytesIO(CONTENT))
    sums = (
        f"{'0' * 64}  other.tar.gz\n{hashlib.sha256(archive.getvalue()).hexdigest()}  anchor.tgz\n"
    )
    assert ANCHOR.release is not None
    packed = replace(
        ANCHOR.release,
        path="/anchor.tgz",
        checksum_path="/SHA256SUMS",
        member="anchor-v{version}/anchor",
    )

    answers = {"/anchor.tgz": archive.getvalue(), "/SHA256SUMS": sums.encode()}
    async with serving(answers) as mirror:
        program = await locate(replace(ANCHOR, release=packed), mirror=mirror)

    assert program.read_bytes() == CONTENT


async def test_a_wrong_checksum_is_refused_and_nothing_else_is_tried(
    tmp_path: Path, go_that_builds: Recipe
) -> None:
    async with serving({FILE: CONTENT, SUM: b"0" * 64}) as mirror:
        with pytest.raises(BinaryUnavailable, match=f"SHA-256 {SHA256}.*refused") as refused:
            await locate(replace(ANCHOR, recipe=go_that_builds), mirror=mirror)

    assert "PATH" in refused.value.next_step
    assert not cached(tmp_path).exists()
    assert leftovers(tmp_path) == []


async def truncate(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
    await response.prepare(request)
    await response.write(CONTENT[:5])
    assert request.transport is not None
    request.transport.close()
    return response


async def hang(request: web.Request) -> web.StreamResponse:
    await anyio.sleep_forever()
    raise AssertionError


async def break_off_silently(request: web.Request) -> web.StreamResponse:
    return web.Response(body=CONTENT[:5])


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {SUM: SHA256.encode()},
        {FILE: CONTENT},
        {FILE: CONTENT, SUM: b"<html>please log in</html>"},
        {FILE: truncate, SUM: SHA256.encode()},
        {FILE: hang, SUM: SHA256.encode()},
        {FILE: CONTENT, SUM: hang},
    ],
    ids=["404", "no file", "no sum", "a page", "truncated", "file hangs", "sum hangs"],
)
async def test_a_release_out_of_reach_is_built_instead(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    go_that_builds: Recipe,
    answers: Mapping[str, bytes | Handler],
) -> None:
    monkeypatch.setattr(downloading, "ANSWER_SECONDS", 0.3)
    told = Told()

    async with serving(answers) as mirror:
        program = await locate(replace(ANCHOR, recipe=go_that_builds), mirror=mirror, progress=told)

    assert program == cached(tmp_path)
    assert b"built" in program.read_bytes()
    assert any("not downloaded" in message for message in told.messages)
    assert leftovers(tmp_path) == []


def test_a_server_that_does_not_answer_is_given_up_within_five_seconds() -> None:
    assert downloading.ANSWER_SECONDS <= 5


async def test_a_short_file_without_a_length_fails_its_checksum(tmp_path: Path) -> None:
    async with serving({FILE: break_off_silently, SUM: SHA256.encode()}) as mirror:
        with pytest.raises(BinaryUnavailable, match="refused"):
            await locate(ANCHOR, mirror=mirror)

    assert not cached(tmp_path).exists()


async def test_when_nothing_works_the_message_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BinaryUnavailable) as failed:
        await locate(ANCHOR)

    assert "no recipe is known" in failed.value.message
    assert "release was out of reach" in failed.value.message
    assert "KUBEBUILDER_ASSETS" in failed.value.next_step


async def test_a_build_that_fails_shows_the_compilers_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = write_go(tmp_path, 'echo "main.go:7: undefined: anchor" >&2; exit 1')
    monkeypatch.setenv("PATH", str(go.parent))
    (tmp_path / "module").mkdir()

    with pytest.raises(BinaryUnavailable, match=r"main\.go:7: undefined: anchor"):
        await locate(replace(ANCHOR, release=None, recipe=Recipe(tmp_path / "module", ".")))

    assert leftovers(tmp_path) == []


async def test_two_at_once_build_once(tmp_path: Path, go_that_builds: Recipe) -> None:
    binary = replace(ANCHOR, release=None, recipe=go_that_builds)
    told = Told()

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(lambda: locate(binary, progress=told))

    assert (tmp_path / "builds").read_text() == "built\n"
    assert any("another process is making it" in message for message in told.messages)


async def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(BinaryUnavailable, match="could not be put into") as failed:
        await locate(ANCHOR)

    assert "XDG_CACHE_HOME" in failed.value.next_step


@pytest.mark.parametrize(
    ("page", "is_there"),
    [
        (SHA256, True),
        (f"{SHA256}\n", True),
        (f"{SHA256}  anchor\n", True),
        (f"{SHA256} *anchor\n", True),
        (f"{SHA256}  another\n", False),
        ("not a sum", False),
        ("", False),
    ],
)
def test_a_checksum_is_read_in_every_form_that_is_published(page: str, is_there: bool) -> None:
    if is_there:
        assert parse_checksum(page, "anchor") == SHA256
    else:
        with pytest.raises(ValueError, match="no SHA-256"):
            parse_checksum(page, "anchor")


@pytest.fixture
def go_that_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A Go on PATH that "builds" at once, and notes each build in the file `builds`."""
    note = tmp_path / "builds"
    script = f"""
case "$1" in
  list) echo one; echo two ;;
  build) while [ "$1" != -o ]; do shift; done
     echo one >&2; echo built >> {note}
     printf '#!/bin/sh\\necho built\\n' > "$2"; /bin/chmod +x "$2" ;;
esac"""
    go = write_go(tmp_path, script)
    monkeypatch.setenv("PATH", str(go.parent))
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text("module anchor\n")
    return Recipe(folder, ".")


def write_go(tmp_path: Path, script: str) -> Path:
    version = 'if [ "$1" = version ]; then echo go version go1.26.1 linux/amd64; exit; fi\n'
    return write_program(tmp_path / "go" / "bin" / "go", version + script)
