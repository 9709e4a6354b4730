"""Where a repository or a fleet is: fetched from somewhere, or a folder of this machine.

The same rule as git's, decided by the text alone, so that it means the same in every folder and
before anything is there.
"""

from __future__ import annotations

import re

_SCP_LIKE = re.compile(r"[^/]*:")  # git@host:path; a folder with a colon is written ./a:b


def is_remote(text: str) -> bool:
    """Whether it is fetched: a URL, or `user@host:path`, which is ssh too."""
    return "://" in text or _SCP_LIKE.match(text) is not None
