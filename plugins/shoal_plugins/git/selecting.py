"""Which name of the remote a source wants, and what to say when the remote does not have it.

A branch, a tag and a commit are named by the document. For a range of versions the remote's tags
are listed first: one conversation, which also tells whether the chosen tag still is where it was.
Without the past a branch is looked for in the same way. Used by `source`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from shoal.errors import InvalidSource, SourceUnavailable
from shoal.model.choice import nearest
from shoal_plugins.git.mirrors import Mirror
from shoal_plugins.git.running import Remote
from shoal_plugins.git.specification import GitSpec, History
from shoal_plugins.git.versions import by_age, newest, parse_range

_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_PEELED = "^{}"
_SHOWN = 5


class Selection(NamedTuple):
    """What the remote is asked for; `commit` is where it is, when that is known already."""

    wanted: str
    version: str = ""
    commit: str = ""


async def select(mirror: Mirror, remote: Remote, spec: GitSpec) -> Selection:
    """The ref or commit that a source wants; asks the remote only when that saves more."""
    if spec.semver is not None:
        return await _select_newest(mirror, remote, spec.semver, spec.tag_prefix or "")
    if spec.commit:
        return Selection(spec.commit, commit=spec.commit)
    if not (spec.tag or spec.branch):
        return Selection("HEAD")
    ref = f"{_TAGS}{spec.tag}" if spec.tag else f"{_HEADS}{spec.branch}"
    commit = ""
    if spec.history is History.LATEST:
        # A fetch without the past looks at all files on both sides, also when nothing is new.
        refs = await mirror.refs(remote, only="tags" if spec.tag else "heads")
        commit = _commit_of(ref, refs)
    return Selection(ref, spec.tag or "", commit)


def _commit_of(ref: str, refs: Mapping[str, str]) -> str:
    return refs.get(f"{ref}{_PEELED}", refs.get(ref, ""))


async def _select_newest(mirror: Mirror, remote: Remote, semver: str, prefix: str) -> Selection:
    refs = await mirror.refs(remote, only="tags")
    tags = [name.removeprefix(_TAGS) for name in refs if not name.endswith(_PEELED)]
    found = newest(tags, parse_range(semver), prefix)
    if found is None:
        known = [tag for tag, _ in by_age(tags, prefix)]
        kind = f"tag {prefix}X.Y.Z" if prefix else "tag"
        raise InvalidSource(
            f"repository {remote.address.text} has no {kind} in the range {semver}",
            next_step=f"the newest versions are {', '.join(known[:_SHOWN])}"
            if known
            else "push a tag such as v1.0.0; none of its tags is a version",
        )
    ref = f"{_TAGS}{found}"
    return Selection(ref, found, _commit_of(ref, refs))


async def explain_missing(mirror: Mirror, remote: Remote, spec: GitSpec) -> NoReturn:
    """Say what the remote has instead of the name that it does not have."""
    address = remote.address.text
    if spec.semver:
        raise SourceUnavailable(f"the newest tag of {address} has only just disappeared")
    if spec.tag:
        refs = await mirror.refs(remote, only="tags")
        tags = [name.removeprefix(_TAGS) for name in refs if not name.endswith(_PEELED)]
        raise InvalidSource(
            f"repository {address} has no tag {spec.tag}", next_step=_there_are(spec.tag, tags)
        )
    heads = await mirror.refs(remote, only="heads")
    branches = [name.removeprefix(_HEADS) for name in heads]
    if not branches:
        raise InvalidSource(f"repository {address} is empty", next_step="push a commit to it")
    if spec.branch is None:
        raise InvalidSource(
            f"the HEAD of repository {address} points at a branch that is not there",
            next_step=_there_are("main", branches),
        )
    if spec.branch in branches:
        raise SourceUnavailable(f"branch {spec.branch} of {address} has only just appeared")
    raise InvalidSource(
        f"repository {address} has no branch {spec.branch}",
        next_step=_there_are(spec.branch, branches),
    )


def _there_are(name: str, known: list[str]) -> str:
    meant = nearest(name, known)
    if meant is not None:
        return f"did you mean {meant}?"
    if not known:
        return "there is none at all"
    more = ", …" if len(known) > _SHOWN else ""
    return "there is " + ", ".join(sorted(known)[:_SHOWN]) + more
