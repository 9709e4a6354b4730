"""Which of the revisions that were handed out have a commit in their past: asked of a mirror alone.

A commit that was pushed together with a later one is never current, and yet it is in the mirror,
for a fetch brings all that led to a revision. Two calls of git, of which the second walks back from
the revisions to the commit and no further; the remote is asked nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shoal.errors import InvalidSource
from shoal.model.artifacts import Ancestor
from shoal_plugins.git.mirrors import Mirror
from shoal_plugins.git.running import Command, run_git

_DIGITS = re.compile(r"[0-9a-f]{7,64}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_WALK_SECONDS = 10.0  # a hundred thousand commits take about one


async def find_ancestor(mirror: Mirror, name: str, revisions: Sequence[str]) -> Ancestor | None:
    """The commit of these digits, all or the first seven; None when none of the revisions has it.

    Raises InvalidSource when they may be more than one, SourceUnavailable when the past is too long
    to be looked through.
    """
    if not _DIGITS.fullmatch(name):
        return None
    # Asked for as a commit: a file may well begin with the same digits.
    asked = Command("cat-file", ("--batch-check",), stdin=f"{name}^{{commit}}\n".encode())
    commit, _, sort = (await _printed(asked, mirror)).partition(" ")
    if sort.startswith("ambiguous"):
        raise InvalidSource(f"{name} may be several commits", next_step="write more of it")
    if not sort.startswith("commit"):
        return None
    ends = [each for each in revisions if _COMMIT.fullmatch(each)]
    walk = Command(
        "rev-list",
        ("--ancestry-path", "--ignore-missing", "--stdin"),
        stdin="\n".join((f"^{commit}", *ends, "")).encode(),
        deadline_seconds=_WALK_SECONDS,
    )
    within = frozenset((await _printed(walk, mirror)).split()) & frozenset(ends)
    if not within:
        return None
    return Ancestor(commit, (await mirror.describe(commit)).provenance, within)


async def _printed(command: Command, mirror: Mirror) -> str:
    return (await run_git(command, mirror.folder, mirror.host)).decode()
