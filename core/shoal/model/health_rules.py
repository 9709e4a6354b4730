"""What an Application says about the health of its own objects: rules in CEL.

Part of the Application document, for kinds whose status does not speak the usual conditions, and
where a team means something else by healthy. `shoal.planning.judging` evaluates them; what the
document does not speak of is judged by plugins and by the rules of the target.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shoal.model.choice import Spec
from shoal.model.expressions import over
from shoal.model.identity import ObjectKey

_Rule = Annotated[str, over("object")]


class HealthTarget(Spec):
    """Which objects a rule speaks of: all given parts must be equal."""

    group: str = Field(default="", description="The API group; empty for the core group.")
    kind: str = Field(min_length=1, description="The kind, such as Database.")
    namespace: str | None = Field(default=None, description="The namespace; any when left out.")
    name: str | None = Field(default=None, description="The name; any when left out.")

    def fits(self, key: ObjectKey) -> bool:
        """Whether the rule speaks of this object."""
        return (
            key.group_kind == (self.group, self.kind)
            and self.namespace in (None, key.namespace)
            and self.name in (None, key.name)
        )


class HealthRule(Spec):
    """When an object is healthy, in CEL over `object`, which is the live object.

    Asked in this order: `progressing`, `degraded`, `healthy`; what is none of them is progressing.
    An expression that reads a field that is not there yet is not true. Before any of them, an
    object whose newest change its controller has not observed is progressing.
    """

    target: HealthTarget = Field(description="The objects it speaks of.")
    healthy: _Rule = Field(description="True for an object that is as it should be.")
    progressing: _Rule | None = Field(
        default=None, description="True for an object that is on its way."
    )
    degraded: _Rule | None = Field(
        default=None, description="True for an object that will not get there by itself."
    )
    message: _Rule | None = Field(
        default=None,
        description="A text that says why the object is not healthy, such as "
        "`object.status.message`; what its conditions say when left out.",
    )
