"""The submodules of a revision, fetched at the commits that it pins, when a source asks for that.

What a repository names is read with the credential of the source, so it must be on the same server,
reached the same way; local folders have none that are followed. Addresses pass the same agreement
as those that people write, git the same runner. How deep and how many is bounded. Nothing is
followed halfway: a submodule that cannot be fetched fails the look, and the last revision stays.
Called by `source`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from shoal.errors import BudgetExceeded, InvalidSource, SourceUnavailable
from shoal.model.artifacts import Tree
from shoal_plugins.git.addresses import Address, parse_address
from shoal_plugins.git.explaining import explain
from shoal_plugins.git.grafting import GraftedTree
from shoal_plugins.git.mirrors import Mirror
from shoal_plugins.git.running import Command, GitFailed, Remote, run_git
from shoal_plugins.git.trees import GitTree

MOST_SUBMODULES = 50
DEEPEST = 4
_LARGEST_GITMODULES = 1024 * 1024
_GITMODULES = ".gitmodules"


@dataclass(slots=True)
class Grafting:
    """One revision's submodules on their way; `mirror_of` gives the mirror of a remote."""

    mirror_of: Callable[[Remote], Mirror]
    fetched: int = 0

    async def graft(
        self, tree: GitTree, mirror: Mirror, remote: Remote, *, depth: int = 0
    ) -> GraftedTree:
        """The tree with all its submodules, and theirs, in place."""
        grafts: dict[str, Tree] = {}
        modules = await tree.submodules()
        if modules:
            addresses = await _read_gitmodules(tree, mirror)
            for path, commit in modules.items():
                if path in addresses:  # one that is named nowhere is shown as what it is
                    address = _agreed(addresses[path], path, remote)
                    grafts[path] = await self._fetch(path, commit, address, remote, depth + 1)
        return GraftedTree(tree, grafts)

    async def _fetch(
        self, path: str, commit: str, address: Address, parent: Remote, depth: int
    ) -> Tree:
        self.fetched += 1
        if self.fetched > MOST_SUBMODULES or depth > DEEPEST:
            raise BudgetExceeded(
                f"submodule {path} is one too many: no more than {MOST_SUBMODULES} are fetched, "
                f"and no more than {DEEPEST} inside one another"
            )
        remote = replace(parent, address=address, location=address.location(Path("/")))
        mirror = self.mirror_of(remote)
        # Another source may have filled the mirror: this one must show that it may read it too.
        await mirror.refs(remote, "HEAD")
        try:
            revision = await mirror.fetch(remote, commit)
        except GitFailed as failure:
            _explain(failure, path, commit, remote)
        if not await mirror.keep(commit, commit):
            raise SourceUnavailable("the mirror of a submodule cannot be written")
        tree = GitTree(revision.tree, mirror.blobs, mirror.host)
        return await self.graft(tree, mirror, remote, depth=depth)


def _explain(failure: GitFailed, path: str, commit: str, remote: Remote) -> NoReturn:
    if any(words in failure.stderr for words in ("not our ref", "unadvertised object")):
        raise InvalidSource(
            f"submodule {path} is at commit {commit[:12]}, "
            f"which {remote.address.text} does not have",
            next_step="push that commit, or let the submodule be at one that was pushed",
        ) from None
    raise explain(failure, remote) from None


async def _read_gitmodules(tree: GitTree, mirror: Mirror) -> Mapping[str, str]:
    """Path → address, as the repository says."""
    entry = await tree.entry(_GITMODULES)
    if entry is None:
        return {}
    if entry.size > _LARGEST_GITMODULES:
        raise BudgetExceeded(f"{_GITMODULES} is larger than {_LARGEST_GITMODULES} bytes")
    # From stdin git would follow `[include]` to files of this machine, were it not told.
    options = ("--file", "-", "--no-includes", "--list", "-z")
    command = Command("config", options, stdin=await tree.read(_GITMODULES))
    try:
        printed = await run_git(command, mirror.folder, mirror.host)
    except (GitFailed, FileNotFoundError):
        raise InvalidSource(
            f"{_GITMODULES} cannot be read as a git configuration",
            next_step="see `git config --file .gitmodules --list`",
        ) from None
    paths: dict[str, str] = {}
    urls: dict[str, str] = {}
    for line in printed.decode(errors="replace").split("\0")[:-1]:
        key, _, value = line.partition("\n")
        name, _, variable = key.removeprefix("submodule.").rpartition(".")
        if variable == "path":
            paths[name] = value
        elif variable == "url":
            urls[name] = value
    return {path.strip("/"): urls[name] for name, path in paths.items() if name in urls}


def _agreed(url: str, path: str, parent: Remote) -> Address:
    """The address of a submodule, which must be on its parent's server; or InvalidSource."""
    if parent.address.is_local:
        _refuse(path, "it stands in a local folder, whose submodules are not fetched")
    try:
        relative = url.startswith(("./", "../"))
        address = parse_address(_joined(parent.address.text, url) if relative else url)
    except ValueError as error:
        _refuse(path, str(error))
    known, asked = _server(parent.address), _server(address)
    if asked != known:
        _refuse(path, "it is not on the server of the repository that names it")
    return address


def _server(address: Address) -> tuple[str, str, str]:
    """How a server is reached: nothing of it may change on the way to a submodule."""
    user = address.text.removeprefix("ssh://").partition("@")[0] if address.is_ssh else ""
    return address.protocol, address.server, user


def _joined(parent: str, relative: str) -> str:
    """As git joins them: from the folder that is the parent repository itself."""
    scheme, separator, rest = parent.rpartition("://")
    mark = "/" if separator else ":"
    server, _, base = rest.partition(mark)
    joined = posixpath.normpath(posixpath.join(base.strip("/"), relative))
    if joined.startswith("..") or joined == ".":
        raise ValueError("it leads out of its server")
    return f"{scheme}{separator}{server}{mark}{joined}"


def _refuse(path: str, why: str) -> NoReturn:
    raise InvalidSource(
        f"submodule {path} is refused: {why}",
        next_step="give it a relative address, such as ../name.git, or take it out",
    )
