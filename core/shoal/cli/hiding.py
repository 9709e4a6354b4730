"""Keeps secrets out of what a command says that works without a controller: logs and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shoal.cli.ending import leaves
from shoal.errors import ShoalError

if TYPE_CHECKING:
    from shoal.telemetry.masking import Masking


def masked_logs() -> Masking:
    """Configure the logs; the secrets that become known to the masking are hidden in them."""
    from shoal.telemetry.logs import configure_logs
    from shoal.telemetry.masking import Masking

    masking = Masking()
    configure_logs(masking)
    return masking


@contextmanager
def masked_errors(masking: Masking) -> Iterator[None]:
    """What goes wrong is told without the secrets that were met before."""
    try:
        yield
    except Exception as error:  # passed on as it is, but for its words
        for each in leaves(error):
            if isinstance(each, ShoalError):
                each.message = masking.text(each.message, None)
        raise
