"""Notifiers: where an Alert leads, a chat or another program outside."""

from __future__ import annotations

from typing import Protocol, TypeVar

from shoal.hooks.host import Host
from shoal.model.alerts import Batch
from shoal.model.choice import Spec

N = TypeVar("N", bound=Spec, contravariant=True)


class NotifierType(Protocol[N]):
    """One kind of destination; shared by all Alerts that name it."""

    @property
    def name(self) -> str:
        """The key in documents: `webhook`."""
        ...

    @property
    def spec(self) -> type[Spec]:
        """The model of this plugin's part of a document."""
        ...

    async def send(self, spec: N, batch: Batch, host: Host) -> None:
        """Send one batch; to return means that the other side has it.

        Called for one batch of a destination after the other, and once for a person's test; it has
        30 s. The same batch comes again, with the same `batch.id`, until this returned once: also
        after a restart, and when the answer to an earlier try was lost. A `secretRef` of the spec
        is read from the namespace `batch.alert.namespace`.

        Raises a Retryable when it may work later (with `after_seconds` when the other side said
        when), AccessDenied when the address or the credential is refused: both are tried again for
        a day. Any other Permanent says that this batch will never be taken: it is given up, and the
        next one is tried.
        """
        ...
