"""Pauses between looks and tries: each of another length, so that a fleet does not look at once."""

from __future__ import annotations

import random


def jittered(seconds: float, part: float = 0.5) -> float:
    """So many seconds, more or less by up to this part."""
    return seconds * random.uniform(1 - part, 1 + part)  # noqa: S311  # jitter, nothing to guess
