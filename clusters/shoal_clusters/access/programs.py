"""Which programs a kubeconfig may run for its credential: those that the operator lists.

A kubeconfig is data that often comes from somebody else, and `exec` in it is a command line. What
it may run is said by `--allow-exec` alone, and nothing in the file may make an allowed program load
something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from shoal.errors import AccessDenied, InvalidDocument
from shoal_clusters.access.contexts import Context

_LOADS = re.compile(
    r"LD_.*|DYLD_.*|PATH|PYTHON.*|PERL.*|RUBY.*|NODE_.*|JAVA_TOOL_OPTIONS|BASH_ENV|ENV|IFS|SHELLOPTS",
    re.IGNORECASE,
)
"""Variables by which a program is made to run or load other programs than itself."""


def refuse_unlisted(context: Context, allowed: Set[str]) -> None:
    """Raise AccessDenied when the credential comes from a program that is not allowed."""
    program = _part(context, "exec")
    if program:
        _refuse(context, context.text(program, "command"), allowed)
        _refuse_loaders(context, program.get("env"))
        return
    # kubernetes_asyncio knows two providers: one runs `cmd-path`, the other speaks OIDC itself.
    provider = _part(context, "auth-provider")
    name = context.text(provider, "name")
    if name == "gcp":
        config = provider.get("config")
        path = context.text(config, "cmd-path") if isinstance(config, Mapping) else ""
        _refuse(context, path, allowed)
    elif name != "oidc":
        raise InvalidDocument(
            f"{context} has the auth-provider {name or 'without a name'}, which is not known",
            next_step="use a token, a client certificate or exec",
        )


def _part(context: Context, field: str) -> Mapping[str, Any]:
    found = context.user.get(field)
    if found is not None and not isinstance(found, Mapping):
        raise InvalidDocument(f"{field} in {context} is not a mapping")
    return found or {}


def _refuse(context: Context, command: str, allowed: Set[str]) -> None:
    if command not in allowed:
        raise AccessDenied(
            f"{context} wants to run {command or 'a program without a name'}, which is not allowed",
            next_step="add it to the list of allowed programs, or use a token or certificate",
        )


def _refuse_loaders(context: Context, env: object) -> None:
    for entry in env if isinstance(env, list) else () if env is None else (env,):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            raise InvalidDocument(f"exec.env in {context} is not a list of names and values")
        if _LOADS.fullmatch(name):
            raise AccessDenied(
                f"{context} sets {name} for the program that it runs, which could run another one",
                next_step=f"remove {name} from exec.env; set it for shoal itself if it is meant",
            )
