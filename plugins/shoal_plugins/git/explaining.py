"""What git says on stderr, as errors of ours: one sentence, the cause, and what to do next.

Git has one exit status for everything, so its words decide (LC_ALL=C is set, so they are English).
What no rule knows counts as "try again": a network problem must never look like a repository that
is gone for good. Remote text is cut, cleaned of control characters and of the credential.
"""

from __future__ import annotations

import re

from shoal.errors import AccessDenied, InvalidSource, ShoalError, SourceUnavailable
from shoal_plugins.git.running import GitFailed, Remote

_LONGEST = 200
_REFUSED = re.compile(
    r"authentication failed|could not read (?:username|password)|returned error: 40[13]"
    r"|http 40[13]|access denied|permission denied",
    re.IGNORECASE,
)
_NOT_THERE = re.compile(
    r"repository '.*' not found|returned error: 4(?:04|10)|does not appear to be a git repository"
    r"|repository not found|not a git repository",
    re.IGNORECASE,
)
_REDIRECTED = re.compile(r"returned error: 30[1278]|unable to update url base from redirection")
_OTHER_OWNER = re.compile(r"dubious ownership", re.IGNORECASE)
_CAUSE = re.compile(r"^(?:fatal|error|remote): (.+)$", re.MULTILINE)


def explain(failure: GitFailed, remote: Remote) -> ShoalError:
    """The error that a failed call to a remote means."""
    address, stderr = remote.address.text, failure.stderr
    if _OTHER_OWNER.search(stderr):
        return InvalidSource(
            f"repository {address} belongs to another user of this machine",
            next_step="run shoal as its owner, or give the folder to the user that runs shoal",
        )
    if _REFUSED.search(stderr):
        return _refused(remote)
    if _REDIRECTED.search(stderr):
        return InvalidSource(
            f"{address} answers with a redirect, which is not followed",
            next_step="write the address that it leads to (often the one that ends in .git)",
        )
    if _NOT_THERE.search(stderr):
        return InvalidSource(
            f"there is no Git repository at {address}, or the credential may not see it",
            next_step="check the address and the secret",
        )
    return SourceUnavailable(f"repository {address} cannot be read: {_cause(failure, remote)}")


def _refused(remote: Remote) -> AccessDenied:
    address = remote.address.text
    if remote.credential is None:
        return AccessDenied(
            f"repository {address} asks for a credential and none is given",
            next_step="name a secret with the key token in secretRef",
        )
    return AccessDenied(
        f"repository {address} refused the credential in secret {remote.credential.secret}",
        next_step="put a token that may read the repository into that secret",
    )


def _cause(failure: GitFailed, remote: Remote) -> str:
    found = _CAUSE.findall(failure.stderr)
    text = found[-1] if found else f"git ended with status {failure.status}"
    if remote.credential is not None:
        text = text.replace(remote.credential.header.split()[-1], "…")
    text = text.replace(remote.location, remote.address.text)
    return "".join(mark if mark.isprintable() else " " for mark in text)[:_LONGEST]
