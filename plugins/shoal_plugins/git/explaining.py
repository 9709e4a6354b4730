"""What git says on stderr, as errors of ours: one sentence, the cause, and what to do next.

Git has one exit status for everything, so its words decide (LC_ALL=C is set, so they are English),
and those of the TLS libraries that curl may be built with. What no rule knows counts as "try
again": a network problem must never look like a repository that is gone for good. Remote text is
cut, cleaned of control characters and of every value of the credential.
"""

from __future__ import annotations

import re

from shoal.errors import AccessDenied, InvalidSource, ShoalError, SourceUnavailable
from shoal_plugins.git.explaining_ssh import explain_ssh
from shoal_plugins.git.explaining_tls import explain_tls
from shoal_plugins.git.running import GitFailed, Remote

_LONGEST = 200
_REFUSED = re.compile(
    r"authentication failed|could not read (?:username|password)|returned error: 40[13]"
    r"|http 40[13]|access denied|permission denied",
    re.IGNORECASE,
)
_NOT_THERE = re.compile(
    r"repository '.*' not found|returned error: 4(?:04|10)|does not appear to be a git repository"
    r"|repository not found|not a git repository|project you were looking for could not be found",
    re.IGNORECASE,
)
_REDIRECTED = re.compile(r"returned error: 30[1278]|unable to update url base from redirection")
_OTHER_OWNER = re.compile(r"dubious ownership", re.IGNORECASE)
# Before and since curl 7.87.
_PROXY = re.compile(r"HTTP code (\d{3}) from proxy|CONNECT tunnel failed, response (\d{3})")
_CAUSE = re.compile(r"^(?:fatal|error|remote): (.+)$", re.MULTILINE)


def explain(failure: GitFailed, remote: Remote) -> ShoalError:
    """The error that a failed call to a remote means."""
    address, stderr = remote.address.text, failure.stderr
    if _OTHER_OWNER.search(stderr):
        return InvalidSource(
            f"repository {address} belongs to another user of this machine",
            next_step="run shoal as its owner, or give the folder to the user that runs shoal",
        )
    if found := _PROXY.search(stderr):
        return _stopped_by_proxy(found[1] or found[2], remote)
    special = explain_ssh if remote.address.is_ssh else explain_tls
    if (error := special(failure, remote)) is not None:
        return error
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
    address, credential = remote.address.text, remote.credential
    if credential is None or not credential.is_login:
        return AccessDenied(
            f"repository {address} asks for a credential and none is given",
            next_step="name a secret with the key token in secretRef",
        )
    return AccessDenied(
        f"repository {address} refused the credential in secret {credential.secret}",
        next_step="put a token that may read the repository into that secret",
    )


def _stopped_by_proxy(status: str, remote: Remote) -> ShoalError:
    server, proxy = remote.address.server, remote.proxy
    named = f"in secret {proxy.secret}" if proxy else "that HTTPS_PROXY names"
    if status != "407":
        return SourceUnavailable(
            f"the proxy {named} does not connect to {server}: it answers {status}",
            next_step=f"let the proxy reach {server}, or leave the proxy out for it",
        )
    if proxy is not None and proxy.has_login:
        return AccessDenied(
            f"the proxy {named} refused the login that stands there",
            next_step="correct username and password in that secret; the repository was not asked",
        )
    return AccessDenied(
        f"the proxy {named} asks for a login and none is given",
        next_step="name a secret with address, username and password in proxySecretRef",
    )


def _cause(failure: GitFailed, remote: Remote) -> str:
    found = _CAUSE.findall(failure.stderr)
    text = found[-1] if found else f"git ended with status {failure.status}"
    for word in remote.hidden:
        text = text.replace(word, "…")
    text = text.replace(remote.location, remote.address.text)
    return "".join(mark if mark.isprintable() else " " for mark in text)[:_LONGEST]
