"""What sampled stacks say, as text: the functions with most samples, alone and with their calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

TOP = 20
# What nearly every stack begins with (the loop, the program) says nothing.
_FRAME_SHARE = 0.9


def summarise(stacks: Sequence[Sequence[str]]) -> str:
    """The functions with the most samples of their own, and with what they call."""
    own = Counter(_short(stack[0]) for stack in stacks if stack)
    calls = Counter(name for stack in stacks for name in {_short(each) for each in stack})
    calls = Counter({one: n for one, n in calls.items() if n < _FRAME_SHARE * len(stacks)})
    parts = [f"{len(stacks)} samples"]
    for title, counts in (("own time", own), ("with what they call", calls)):
        parts.append(f"\n{title}")
        parts += [
            f"{100 * count / len(stacks):5.1f} %  {name}" for name, count in counts.most_common(TOP)
        ]
    return "\n".join([*parts, ""])


def _short(place: str) -> str:
    """A file from its package on, and the function."""
    file, _, function = place.rpartition(":")
    for root in ("/site-packages/", "/core/", "/clusters/", "/plugins/", "/lib/"):
        if root in file:
            return f"{file.rpartition(root)[2]}:{function}"
    return f"{Path(file).name}:{function}"
