"""Which images each content wants to run, found once per content and only when somebody asks.

Manifests are kept as text, and looking inside costs microseconds for each; a thousand clusters that
share a content share the answer. What no target wants any more is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shoal.engine.target_state import TargetState
from shoal.model.identity import ObjectKey
from shoal.model.plans import Content
from shoal.planning.images import references_of

ImagesOf = Mapping[ObjectKey, tuple[str, ...]]
_SLACK = 64  # contents that are kept beside those in use: a rollback finds its own again


class Images:
    """Content → the images of each of its objects that has any."""

    def __init__(self) -> None:
        self._known: dict[str, ImagesOf] = {}

    def of(self, content: Content) -> ImagesOf:
        """The images as Git writes them, by object."""
        found = self._known.get(content.digest)
        if found is None:
            found = self._known[content.digest] = references_of(content.manifests)
        return found

    def keep(self, targets: Iterable[TargetState]) -> None:
        """Forget what none of these wants, once there is much of that."""
        digests = {each.desired.content.digest for each in targets if each.desired}
        if len(self._known) > len(digests) + _SLACK:
            self._known = {one: self._known[one] for one in self._known if one in digests}
