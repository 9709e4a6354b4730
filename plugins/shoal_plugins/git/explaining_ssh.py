"""What ssh says when it does not get as far as a repository, as errors of ours.

OpenSSH is always the same program, so its words are few. A host key that is unknown or changed is
never a matter of trying again. Called by `explaining` for ssh addresses.
"""

from __future__ import annotations

import re

from shoal.errors import AccessDenied, ShoalError, SourceUnavailable
from shoal_plugins.git.identities import scan
from shoal_plugins.git.running import GitFailed, Remote

_CHANGED = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key for \S+ has changed", re.I)
_REVOKED = re.compile(r"REVOKED HOST KEY|host key .*revoked", re.IGNORECASE)
_UNKNOWN = re.compile(r"host key verification failed|no \S+ host key is known", re.IGNORECASE)
_REFUSED = re.compile(r"permission denied \(|too many authentication failures", re.IGNORECASE)
_NO_USER = re.compile(r"No user exists for uid (\d+)", re.IGNORECASE)
_NOT_REACHED = re.compile(
    r"could not resolve hostname|connection (?:refused|timed out|reset|closed)|no route to host"
    r"|network is unreachable|connect to host .*: (?P<cause>.+)|unable to negotiate"
    r"|kex_exchange_identification|timeout, server .* not responding",
    re.IGNORECASE,
)
_LONGEST = 160


def explain_ssh(failure: GitFailed, remote: Remote) -> ShoalError | None:
    """The error that ssh's words mean; None when it is the repository that failed."""
    stderr, server = failure.stderr, remote.address.server
    secret = remote.credential.secret if remote.credential else ""
    if _REVOKED.search(stderr):
        return AccessDenied(
            f"the server {server} shows a host key that known_hosts in secret {secret} revokes",
            next_step="ask its operator; this key is known to be in wrong hands",
        )
    if _CHANGED.search(stderr):
        return AccessDenied(
            f"the server {server} shows another host key than known_hosts in secret {secret} "
            "holds: it was installed anew, or somebody stands in between",
            next_step="compare the fingerprint with the one that its operator publishes, and only "
            f"then replace the line by the output of `{scan(remote.address)}`",
        )
    if _UNKNOWN.search(stderr):
        return AccessDenied(
            f"known_hosts in secret {secret} holds no key of the server {server}",
            next_step=f"add the output of `{scan(remote.address)}`, after comparing the "
            "fingerprints with those that the forge publishes",
        )
    if _REFUSED.search(stderr):
        return AccessDenied(
            f"the server {server} refused the ssh key in secret {secret}",
            next_step="give the forge the public half of identity, as a key that may read this "
            "repository, and check the user name in the address",
        )
    if found := _NO_USER.search(stderr):
        return AccessDenied(
            f"ssh does not run for user id {found[1]}, which has no entry in /etc/passwd",
            next_step="run shoal as a user that the system knows, or use https://",
        )
    if found := _NOT_REACHED.search(stderr):
        return SourceUnavailable(f"the server {server} cannot be reached by ssh: {_line(found)}")
    return None


def _line(found: re.Match[str]) -> str:
    """The line that a match is in, without the program's name, fit to be shown."""
    start = found.string.rfind("\n", 0, found.start()) + 1
    line = found.string[start:].splitlines()[0].removeprefix("ssh: ").strip()
    return "".join(mark if mark.isprintable() else " " for mark in line)[:_LONGEST].lower()
