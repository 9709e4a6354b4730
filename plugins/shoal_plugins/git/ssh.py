"""The ssh that git starts: OpenSSH with every option fixed, and nothing of the user's or system's.

No configuration file, agent, forwarding, proxy, shared connection, prompt or second way to log in;
an unknown or changed host key ends the connection, and nothing is ever added to `known_hosts`. The
command holds constants and two paths of ours only: host, user and repository are arguments that git
appends, after `addresses` has agreed to them.
"""

from __future__ import annotations

import shlex
import shutil

from shoal.errors import BinaryUnavailable

_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "none",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "CheckHostIP": "no",
    "NoHostAuthenticationForLocalhost": "no",
    "CanonicalizeHostname": "no",
    "PreferredAuthentications": "publickey",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "AddKeysToAgent": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "ProxyCommand": "none",
    "ControlMaster": "no",
    "ControlPath": "none",
    "EscapeChar": "none",
    "RequestTTY": "no",
    "ConnectTimeout": "20",
    # Notices a connection that died after half a minute; git itself would wait for ever.
    "ServerAliveInterval": "10",
    "ServerAliveCountMax": "3",
    "LogLevel": "ERROR",
}


def ssh_variables(identity: str, known_hosts: str) -> dict[str, str]:
    """What makes git use ssh in this way, with the key and the host keys in these files."""
    options = {**_OPTIONS, "IdentityFile": identity, "UserKnownHostsFile": known_hosts}
    words = ["ssh", "-F", "none"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}


def require_ssh() -> None:
    """Raise BinaryUnavailable when there is no ssh; blocking."""
    if shutil.which("ssh") is None:
        raise BinaryUnavailable(
            "ssh is not on PATH, and an ssh address needs it",
            next_step="install OpenSSH's client (openssh-client, openssh-clients)",
        )
