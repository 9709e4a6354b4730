"""Where two lists of objects differ: which object, which path, and what stands on each side.

For tests that hold what Shoal renders against what an original command printed. Objects are
compared one by one and in order, values exactly: 1 is neither true nor "1".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from shoal.model.manifests import Manifest

_SHOWN = 120


def differences(original: Sequence[Manifest], shoal: Sequence[Manifest]) -> list[str]:
    """A line for each difference; empty when both say the same."""
    found: list[str] = []
    for number, (wanted, got) in enumerate(zip_longest(original, shoal), start=1):
        if wanted is None:
            found.append(f"object {number}, {got.key}, is only in the output of Shoal")
        elif got is None:
            found.append(f"object {number}, {wanted.key}, is only in the output of the original")
        elif wanted.key != got.key or wanted.api_version != got.api_version:
            found.append(f"object {number} is {wanted.key} in the original, {got.key} in Shoal")
        else:
            found += [f"{got.key}: {each}" for each in _between(wanted.body, got.body, "")]
    return found


def _between(wanted: Any, got: Any, path: str) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key in sorted(wanted.keys() | got.keys()):
            below = f"{path}.{key}" if path else key
            if key not in got or key not in wanted:
                yield f"{below} is only in {'the original' if key in wanted else 'Shoal'}"
            else:
                yield from _between(wanted[key], got[key], below)
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, pair in enumerate(zip(wanted, got, strict=True)):
            yield from _between(*pair, f"{path}[{index}]")
    elif type(wanted) is not type(got) or wanted != got:
        yield f"{path} is {_shown(wanted)} in the original, {_shown(got)} in Shoal"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
