"""A long run of odd YAML through both readers: `make fuzz`, or `python -m tests.rendering.fuzz`.

The suite compares a thousand or two texts, always the same; this compares as many as the time
allows, others at each seed, and prints each kind of disagreement once, in a text made small.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
import time

from tests.rendering.agreeing import Reading, disagreement
from tests.rendering.cases import corpus_texts
from tests.rendering.odd_yaml import mutate, write_stream
from tests.rendering.originals.programs import kubernetes_yaml
from tests.rendering.originals.running import KubernetesYaml

from shoal.binaries import locate

_SHOWN = 40


def main() -> int:
    """Compare until the time is over; 1 when the readers disagreed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    reader = KubernetesYaml(asyncio.run(locate(kubernetes_yaml())))
    choose, texts = random.Random(arguments.seed).choice, corpus_texts()
    found: dict[str, Reading] = {}
    compared, end = 0, time.monotonic() + arguments.seconds
    while time.monotonic() < end and len(found) < _SHOWN:
        text = write_stream(choose)
        if compared % 3 == 0:
            text = mutate(choose, choose((text, choose(texts))))
        compared += 1
        reading = disagreement(reader, text)
        if reading is not None and _kind(reading) not in found:
            found[_kind(reading)] = made_small(reader, reading)
    reader.close()
    for reading in found.values():
        print(f"{reading.text!r}\n  {reading.shown()}")  # noqa: T201
    print(f"seed {arguments.seed}: {compared} texts compared, {len(found)} kinds of disagreement")  # noqa: T201
    return 1 if found else 0


def made_small(reader: KubernetesYaml, reading: Reading) -> Reading:
    """The same kind of disagreement in as little text as taking pieces away leaves."""
    size = len(reading.text) // 2
    while size:
        at = 0
        while at < len(reading.text):
            less = disagreement(reader, reading.text[:at] + reading.text[at + size :])
            if less is not None and _kind(less) == _kind(reading):
                reading = less
            else:
                at += size
        size //= 2
    return reading


def _kind(reading: Reading) -> str:
    if reading.is_read_by_both:
        return "values"
    told = reading.refusal or reading.original.message
    return f"{bool(reading.refusal)} {re.sub('[0-9]+|`.*?`', 'N', told)}"


if __name__ == "__main__":
    sys.exit(main())
