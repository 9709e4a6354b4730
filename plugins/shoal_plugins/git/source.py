"""`fetch`: from what people wrote to one revision of a repository.

The wanted name is fetched at once, without asking first what it points at: when nothing is new that
costs the remote and us as much as the question, and when something is, the question was in vain.
Only a range of versions must ask first, and fetches nothing when the answer is what it was.
Every source asks with its own credential before it is given anything, also from a mirror that
another source filled. What must be signed is verified before it is handed out. An error here is
never an empty source.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio

from shoal.errors import AccessDenied, InvalidSource, ShoalError, SourceUnavailable
from shoal.hooks.host import Host
from shoal.model.artifacts import Ancestor, Artifact, Tree
from shoal.model.identity import Ref
from shoal_plugins.git.ancestry import find_ancestor
from shoal_plugins.git.explaining import explain
from shoal_plugins.git.grafting import GraftedTree
from shoal_plugins.git.mirrors import Mirror, Revision, mirror_folder
from shoal_plugins.git.reaching import Reaching
from shoal_plugins.git.running import GitFailed, Remote
from shoal_plugins.git.selecting import Selection, explain_missing, select
from shoal_plugins.git.specification import GitSpec, History, Submodules, VerifyMode, at_revision
from shoal_plugins.git.submodules import Grafting
from shoal_plugins.git.tidying import tidy
from shoal_plugins.git.trees import GitTree
from shoal_plugins.git.verifying import Verifier

_CONNECTIONS_PER_SERVER = 8  # each is a git of some 10 MB; forges throttle beyond this


class GitSource:
    """The source type `git`; one instance serves all git sources and shares their mirrors."""

    name = "git"
    spec = GitSpec

    def __init__(self) -> None:
        self._mirrors: dict[Path, Mirror] = {}
        self._connections: dict[str, anyio.Semaphore] = {}
        self._reaching = Reaching()
        self._verifier = Verifier()

    async def fetch(
        self, source: Ref, spec: GitSpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        """The revision that the branch, tag, range, commit or the remote's HEAD is at now."""
        remote = await self._reaching.remote(source, spec, host)
        try:
            return await self._fetch(source, spec, previous, remote, host)
        except AccessDenied:
            if remote.credential is None or remote.credential.give_up is None:
                raise
            # A token that a forge issued may be taken back at any time: once more, with a new one.
            remote.credential.give_up()
        remote = await self._reaching.remote(source, spec, host)
        return await self._fetch(source, spec, previous, remote, host)

    def at(self, spec: GitSpec, revision: str) -> Sequence[GitSpec]:
        """The repository at a commit, by all of its digits, else at a branch or else a tag."""
        return at_revision(spec, revision)

    async def ancestor(
        self, spec: GitSpec, name: str, revisions: Sequence[str], host: Host
    ) -> Ancestor | None:
        """A commit that was pushed together with a later one; asked of the mirror alone."""
        location = spec.address.location(host.base_folder or Path("/"))
        mirror = self._mirrors.get(mirror_folder(location, host.cache_folder, spec.history))
        if mirror is None or not await mirror.is_there():
            return None
        found = await find_ancestor(mirror, name, revisions)
        if found is None and spec.history is History.LATEST:
            raise InvalidSource(
                "with history: Latest only the commits are known that were current when they were "
                "fetched",
                next_step="ask for a later commit",
            )
        return found

    async def _fetch(
        self, source: Ref, spec: GitSpec, previous: Artifact | None, remote: Remote, host: Host
    ) -> Artifact:
        mirror = self._mirror(remote, spec, host)
        selection = await select(mirror, remote, spec)
        stands = await _stands(previous, spec, mirror)
        revision = _expected(previous, selection, spec) if stands else None
        if revision is None:
            if spec.commit:
                await mirror.refs(remote, "HEAD")  # proves that this source may read the repository
            revision = await _fetched(mirror, remote, spec, selection)
        signer = await self._verifier.verify(source, spec, mirror, remote, revision)
        provenance = replace(revision.provenance, url=spec.url, signer=signer)
        revision = revision._replace(provenance=provenance)
        if previous is not None and stands and _tells_the_same(previous, revision):
            await tidy(mirror)
            return previous
        if previous is not None and stands and previous.revision == revision.commit:
            tree = previous.tree
        else:
            tree = await self._tree(revision, previous, spec, remote, mirror)
        artifact = Artifact(source, revision.commit, tree.digest, tree, revision.provenance)
        await _keep(mirror, selection.wanted, artifact, previous)
        return artifact

    async def _tree(
        self,
        revision: Revision,
        previous: Artifact | None,
        spec: GitSpec,
        remote: Remote,
        mirror: Mirror,
    ) -> Tree:
        tree = GitTree(revision.tree, mirror.blobs, mirror.host)
        if spec.submodules is Submodules.FETCH:
            grafting = Grafting(lambda other: self._mirror(other, spec, mirror.host))
            return await grafting.graft(tree, mirror, remote)
        old = previous.tree if previous is not None else None
        if isinstance(old, GitTree) and old.digest == tree.digest and old.blobs is tree.blobs:
            return old  # a revert, an empty commit: what is listed already stays listed
        return tree

    def _mirror(self, remote: Remote, spec: GitSpec, host: Host) -> Mirror:
        folder = mirror_folder(remote.location, host.cache_folder, spec.history)
        if folder not in self._mirrors:
            # Per server, so that a dead one holds nobody's place but its own.
            connections = self._connections.setdefault(
                remote.address.server, anyio.Semaphore(_CONNECTIONS_PER_SERVER)
            )
            self._mirrors[folder] = Mirror(folder, host, connections, spec.history)
        return self._mirrors[folder]


async def _stands(previous: Artifact | None, spec: GitSpec, mirror: Mirror) -> bool:
    """Whether what was handed out before is still read from this mirror, and can be."""
    if previous is None:
        return False
    # The same commit of another address is another artifact: its tree reads another mirror.
    tree = previous.tree
    kind = GraftedTree if spec.submodules is Submodules.FETCH else GitTree
    return isinstance(tree, kind) and tree.blobs is mirror.blobs and await mirror.is_there()


def _expected(previous: Artifact | None, selection: Selection, spec: GitSpec) -> Revision | None:
    """What a fetch would bring, when that is known before; a signed tag itself never is."""
    if previous is None or previous.revision != selection.commit:
        return None
    if spec.verify is not None and spec.verify.mode is VerifyMode.TAG:
        return None
    provenance = replace(previous.provenance, version=selection.version)
    return Revision(previous.revision, previous.digest, provenance)


def _tells_the_same(previous: Artifact, revision: Revision) -> bool:
    """Another name, or another signer, of the same commit is another thing to tell."""
    known = (previous.revision, previous.provenance)
    return known == (revision.commit, revision.provenance)


async def _keep(mirror: Mirror, wanted: str, artifact: Artifact, previous: Artifact | None) -> None:
    is_kept = False
    async with anyio.create_task_group() as tasks:
        if previous is not None:
            # Who reads a source reads its next revision too: its names, meanwhile.
            tasks.start_soon(_list_ahead, artifact.tree)
        is_kept = await mirror.keep(wanted, artifact.revision)
    if not is_kept:
        raise SourceUnavailable("the mirror of the repository cannot be written")


async def _list_ahead(tree: Tree) -> None:
    with suppress(ShoalError):  # who reads it finds the same error, and says whose it is
        await tree.list("")


async def _fetched(mirror: Mirror, remote: Remote, spec: GitSpec, selection: Selection) -> Revision:
    try:
        revision = await mirror.fetch(remote, selection.wanted)
    except GitFailed as failure:
        if spec.commit and _is_unknown(failure):
            raise InvalidSource(
                f"repository {remote.address.text} has no commit {spec.commit}, "
                "or no branch or tag leads to it",
                next_step="name a commit that was pushed",
            ) from None
        if "couldn't find remote ref" in failure.stderr:
            await explain_missing(mirror, remote, spec)
        raise explain(failure, remote) from None
    provenance = replace(revision.provenance, version=selection.version)
    return revision._replace(provenance=provenance)


def _is_unknown(failure: GitFailed) -> bool:
    return any(
        words in failure.stderr
        for words in ("not our ref", "unadvertised object", "couldn't find remote ref")
    )
