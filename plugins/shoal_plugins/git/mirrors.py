"""One bare mirror per repository: what the remote has, what is fetched, and what is kept.

A mirror holds no branches of its own: what a name of the remote was at last is under
`refs/shoal/tips`, and each revision that was handed out stays reachable by
`refs/shoal/kept/<day>/<commit>`, so a force-push or a deleted branch cannot take away what is in
use; `tidying` lets them go when nobody needs them any more. Sources with the same address share the
mirror; the same name is fetched by one of them at a time, and the first fetch, which brings nearly
everything, stands alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import anyio

from shoal.errors import BinaryUnavailable, SourceUnavailable
from shoal.hooks.host import Host
from shoal.model.artifacts import Provenance
from shoal_plugins.git.blobs import Blobs
from shoal_plugins.git.bounding import run_bounded
from shoal_plugins.git.explaining import explain
from shoal_plugins.git.running import OLDEST_GIT, Command, GitFailed, Remote, run_git
from shoal_plugins.git.specification import History

KEPT = "refs/shoal/kept"
TIPS = "refs/shoal/tips"
LARGEST_FETCH = 8 * 1024**3  # more than 100 Mbit/s bring before the fetch is given up
_FETCH_SECONDS = 600.0
_SILENCE_SECONDS = 30.0
_LONGEST_TEXT = 500
_MOST_REFS_BYTES = 16 * 1024 * 1024
_FETCH = (
    "--quiet",
    "--progress",  # so that a fetch that takes long is told from one that hangs
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--force",
)
_LEFTOVERS = (
    *("*.lock", "refs/**/*.lock", "gc.pid"),
    *("objects/pack/tmp_*", "objects/pack/.tmp-*", "objects/*/tmp_obj_*"),
)
# Separated by NUL, read by position; trailers may be several lines, so they come last.
_FORMAT = "--format=%H%x00%T%x00%an <%ae>%x00%cI%x00%s%x00%(trailers:key=Traceparent,valueonly)"


class Revision(NamedTuple):
    """One commit of a mirror, and the tag object that led to it, if one did."""

    commit: str
    tree: str
    provenance: Provenance
    tag: str = ""


class Mirror:
    """The bare repository of one remote address, in the cache folder of this plugin.

    `connections` bounds the calls to the remote's server; its other mirrors share it. With `LATEST`
    it has no commit but those that were asked for: what led to them is neither fetched nor kept.
    """

    def __init__(
        self, folder: Path, host: Host, connections: anyio.Semaphore, history: History
    ) -> None:
        self.folder = folder
        self._history = history
        self.blobs = Blobs(folder)
        self.host = host
        self._connections = connections
        self._preparing = anyio.Lock()
        self._fetching: dict[str, anyio.Lock] = {}
        self._filling = anyio.Lock()
        self._is_filled = False
        self._is_ready = False
        # By name of the remote: the commit that it was at last, and that is kept.
        self._kept: dict[str, str] = {}
        # The refs that hold what names of the remote were at last.
        self.tips: set[str] = set()
        self.tidy_at = 0.0
        # By ref: the commit that was verified last, as `verifying` knows it.
        self.verified: dict[str, str] = {}

    async def refs(self, remote: Remote, *patterns: str, only: str = "") -> Mapping[str, str]:
        """What the remote's refs point at now; fetches nothing, and costs as much as a fetch.

        `only` is `heads` or `tags`, which a server that can do so does not send the others of.
        """
        await self._prepare()
        command = Command(
            "ls-remote",
            (f"--{only}",) if only else (),
            (remote.location, *patterns),
            remote=remote,
            deadline_seconds=_SILENCE_SECONDS,
            most_bytes=_MOST_REFS_BYTES,
        )
        try:
            async with self._connections:
                printed = await run_git(command, self.folder, self.host)
        except GitFailed as failure:
            raise explain(failure, remote) from None
        lines = (line.partition("\t") for line in printed.decode(errors="replace").splitlines())
        return {name: commit for commit, _, name in lines}

    async def fetch(self, remote: Remote, wanted: str) -> Revision:
        """What `wanted` (a ref of the remote, or the id of a commit) is there now, fetched.

        The remote is always asked about a ref; about a commit that is here already it is not.
        When nothing is new, that costs one conversation and nothing else. Raises GitFailed when
        the remote answers but does not give it.
        """
        await self._prepare()
        async with self._fetching.setdefault(wanted, anyio.Lock()):
            tip = f"{TIPS}/{hashlib.sha256(wanted.encode()).hexdigest()[:32]}"
            self.tips.add(tip)
            await self._run_fetch(remote, f"+{wanted}:{tip}")
            revision = await self.describe(tip)
            if not wanted.startswith("refs/tags/"):
                return revision
            return revision._replace(tag=await self._tag_object(tip, revision.commit))

    async def keep(self, wanted: str, commit: str) -> bool:
        """Let nothing take what was fetched as `wanted` away any more; whether that could be done.

        Must be done before the revision is handed out: the next fetch moves the tip. Does nothing
        a second time.
        """
        if self._kept.get(wanted) != commit:
            today = datetime.now(UTC).date().isoformat()
            command = Command("update-ref", (), (f"{KEPT}/{today}/{commit}", commit))
            try:
                await run_git(command, self.folder, self.host)
            except (GitFailed, SourceUnavailable):
                return False
            self._kept[wanted] = commit
        return True

    @property
    def current(self) -> Collection[str]:
        """The commits that names of the remote were at last, and that were handed out."""
        return self._kept.values()

    async def is_there(self) -> bool:
        """Whether the mirror still stands; the cache folder is safe to lose."""
        return await self.host.run_in_thread((self.folder / "HEAD").is_file)

    async def is_shallow(self) -> bool:
        """Whether commits are missing from the histories of what was fetched."""
        return await self.host.run_in_thread((self.folder / "shallow").exists)

    async def _run_fetch(self, remote: Remote, refspec: str) -> None:
        # Git writes down where a history is cut off, and lets one fetch at a time do that.
        is_cut = self._history is History.LATEST
        command = Command(
            "fetch",
            (*_FETCH, "--depth=1") if is_cut else _FETCH,
            (remote.location, refspec),
            remote=remote,
            deadline_seconds=_FETCH_SECONDS,
            silence_seconds=_SILENCE_SECONDS,
        )
        alone = is_cut or not self._is_filled
        async with self._filling if alone else nullcontext(), self._connections:
            await run_bounded(command, self.folder, self.host, LARGEST_FETCH)
        self._is_filled = True

    async def describe(self, name: str) -> Revision:
        """A commit that is here, by a ref or by its id."""
        printed = await run_git(Command("log", ("-1", _FORMAT), (name,)), self.folder, self.host)
        return _revision(printed.decode(errors="replace"))

    async def _tag_object(self, tip: str, commit: str) -> str:
        """The id of the object that a fetched tag is; empty when it is a name of the commit."""
        command = Command("for-each-ref", ("--format=%(objectname)",), (tip,))
        found = (await run_git(command, self.folder, self.host)).decode().strip()
        return "" if found == commit else found

    async def _prepare(self) -> None:
        if self._is_ready and await self.is_there():
            return
        async with self._preparing:
            if self._is_ready and await self.is_there():
                return
            if self._is_ready:  # lost while running: what its trees knew may be gone for good
                self.blobs = Blobs(self.folder)
                self._kept.clear()
                self.verified.clear()
                self._is_filled = False
            await self._check_version()
            await self.host.run_in_thread(_remove_leftovers, self.folder)
            command = Command("init", ("--quiet", "--bare", "--template="), (str(self.folder),))
            await run_git(command, self.folder, self.host)
            self._is_ready = True

    async def _check_version(self) -> None:
        printed = await run_git(Command("version"), self.folder, self.host)
        version = printed.decode().split()[2]
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_GIT:
            raise BinaryUnavailable(
                f"git {version} is too old to be run safely",
                next_step=f"install git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or newer",
            )


def mirror_folder(location: str, cache_folder: Path, history: History = History.FULL) -> Path:
    """Where the mirror of an address is; the name tells nothing and fits every file system."""
    name = hashlib.sha256(location.encode()).hexdigest()[:32]
    return cache_folder / (f"{name}.git" if history is History.FULL else f"{name}.latest.git")


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed git left: the state folder is locked, so no other git works here."""
    for pattern in _LEFTOVERS:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _revision(printed: str) -> Revision:
    commit, tree, author, committed, subject, traceparent = printed.split("\0", 5)
    return Revision(
        commit,
        tree,
        Provenance(
            author=_printable(author),
            committed_at=_moment(committed),
            subject=_printable(subject),
            traceparent=_printable(traceparent.strip().partition("\n")[0]),
        ),
    )


def _moment(text: str) -> datetime | None:
    """When it was committed; None for the year 10000, a day's offset, or whatever was pushed."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _printable(text: str) -> str:
    # Anybody who can push writes these, and they end up on terminals.
    return "".join(mark if mark.isprintable() else " " for mark in text)[:_LONGEST_TEXT]
