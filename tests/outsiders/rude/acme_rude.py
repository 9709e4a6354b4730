"""A plugin that does what none may do: raise anything, never end, keep the loop from turning."""

import time

import anyio
from pydantic import Field

from shoal.hooks import hookimpl
from shoal.model.choice import Spec


class RudeSpec(Spec):
    """What it does instead of a fetch."""

    does: str = Field(description="raises, exits, hangs or blocks.")


class RudeSource:
    """The source `rude`."""

    name = "rude"
    spec = RudeSpec

    async def fetch(self, source, spec, previous, host):
        if spec.does == "hangs":
            await anyio.sleep_forever()
        if spec.does == "blocks":
            time.sleep(0.5)
        if spec.does == "exits":
            raise SystemExit(3)
        raise ZeroDivisionError(f"rude to {source}")


@hookimpl
def shoal_sources():
    return (RudeSource(),)
