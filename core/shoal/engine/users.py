"""Who a process runs as, as the ledger names people: by the user's id, never by the environment."""

from __future__ import annotations

import functools
import os
import pwd


@functools.cache
def user_name(uid: int) -> str:
    """The name of a local user, or its number when it has none, as in most containers."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


def own_name() -> str:
    """The user of this process."""
    return user_name(os.getuid())
