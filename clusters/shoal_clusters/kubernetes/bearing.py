"""One object that cannot be judged stalls itself only: the border of an object in a watch.

Some fields of an object are free text or of any type, and a rule that did not expect what stands
there raises. That would end the watch, and with it the whole session, each time the object is seen.
So it is logged, once per object and kind of trouble, and the watch goes on; what was known of the
object stays as it was until it can be judged again.
"""

from __future__ import annotations

import traceback

import structlog

from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.glancing import Glance
from shoal_clusters.kubernetes.watching import Sink

_MOST_LOGGED = 1000  # kinds of trouble that are remembered as told
_log = structlog.get_logger(__name__)


class EachForItself:
    """Hands on what a watch sees, each object for itself. Implements `Sink`."""

    def __init__(self, sink: Sink, cluster: str) -> None:
        self._sink = sink
        self._cluster = cluster
        self._told: set[tuple[ObjectKey, str]] = set()
        self.list_began = sink.list_began
        self.went_back = sink.went_back
        self.listed = sink.listed

    def appeared(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        """The object exists and looks like this."""
        try:
            self._sink.appeared(resource, glance, raw)
        except Exception as error:  # the border of an object: anything may stand in it
            self._tell(resource, glance, error)

    def vanished(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        """The object was deleted, or no longer carries our label; `raw` is its last state."""
        try:
            self._sink.vanished(resource, glance, raw)
        except Exception as error:  # the border of an object: anything may stand in it
            self._tell(resource, glance, error)

    def _tell(self, resource: Resource, glance: Glance, error: Exception) -> None:
        key = ObjectKey(resource.group, resource.kind, glance.namespace, glance.name)
        trouble = key, type(error).__name__
        if trouble in self._told or len(self._told) >= _MOST_LOGGED:
            return
        self._told.add(trouble)
        # Without the words of the exception, which may hold values of the object.
        _log.error(
            "object cannot be judged",
            cluster=self._cluster,
            object=str(key),
            reason=type(error).__name__,
            stack="".join(traceback.format_tb(error.__traceback__)),
        )
