"""Gives odd texts to every parser of outside input: `make fuzz`, or `python -m tests.fuzzing`.

Each target gets an equal share of the time. What a parser does not bear is written to
`build/fuzz/`, once per kind, made small; `--replay FILE` gives it to its parser again.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sys
import time
from pathlib import Path

from tests.fuzzing.mutating import Mutator
from tests.fuzzing.targets import TARGETS
from tests.fuzzing.trying import Finding, Target, attempt, limit_memory

_FOLDER = Path("build/fuzz")
_SMALL_SECONDS = 2.0


def main() -> int:
    """Try until the time is over; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="for all targets together")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--replay", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.replay is not None:
        return replay(arguments.replay)
    limit_memory()
    names = arguments.target or list(TARGETS)
    found = 0
    for name in names:
        seconds = arguments.seconds / len(names)
        findings, count = fuzz(TARGETS[name], seconds, random.Random(f"{arguments.seed} {name}"))
        print(f"{name:<12} {count:>8} texts, {len(findings)} kinds of trouble")  # noqa: T201
        for finding in findings:
            print(f"  {finding.kind}: {kept(finding)}")  # noqa: T201
        found += len(findings)
    print(f"seed {arguments.seed}: {found} kinds of trouble")  # noqa: T201
    return 1 if found else 0


def fuzz(target: Target, seconds: float, chance: random.Random) -> tuple[list[Finding], int]:
    """One finding of each kind, made small, and how many texts were tried."""
    mutator, found, count = Mutator(chance, target.seeds), dict[str, Finding](), 0
    loop, end = asyncio.new_event_loop(), time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            count += 1
            finding = attempt(target, mutator.text(), loop)
            if finding is not None and finding.kind not in found:
                found[finding.kind] = made_small(target, finding, loop)
    finally:
        loop.close()
    return list(found.values()), count


def made_small(target: Target, finding: Finding, loop: asyncio.AbstractEventLoop) -> Finding:
    """The same kind of trouble in as little text as taking pieces away leaves, for a while."""
    end, size = time.monotonic() + _SMALL_SECONDS, len(finding.text) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(finding.text) and time.monotonic() < end:
            less = attempt(target, finding.text[:at] + finding.text[at + size :], loop)
            if less is not None and less.kind == finding.kind:
                finding = less
            else:
                at += size
        size //= 2
    return finding


def kept(finding: Finding) -> Path:
    """Write it where `--replay` reads it; beside it stands what was said."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    file = _FOLDER / f"{finding.target}-{hashlib.sha256(finding.text).hexdigest()[:12]}"
    file.write_bytes(finding.text)
    file.with_suffix(".txt").write_text(finding.told)
    return file


def replay(file: Path) -> int:
    """Give a text to the parser that it is named after, and let what it raises be seen."""
    target, loop = TARGETS[file.name.partition("-")[0]], asyncio.new_event_loop()
    finding = attempt(target, file.read_bytes(), loop)
    loop.close()
    print(finding.told if finding else "it is borne")  # noqa: T201
    return 1 if finding else 0


if __name__ == "__main__":
    sys.exit(main())
