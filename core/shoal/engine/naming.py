"""What a person named is there, or they are told so, with the nearest name of what is."""

from __future__ import annotations

from collections.abc import Iterable

from shoal.engine.state import EngineState
from shoal.errors import UnknownName
from shoal.model.choice import nearest
from shoal.model.identity import Ref


def require_application(state: EngineState, application: Ref) -> None:
    """Raise UnknownName unless it has a document, or still holds something somewhere."""
    catalog = state.catalog
    known = {str(ref) for ref in (catalog.applications if catalog else ())}
    known |= {str(key.application) for key in state.targets}
    require_name(str(application), known, "application", "get applications")


def require_name(name: str, known: Iterable[str], what: str, listing: str) -> None:
    """Raise UnknownName, with the nearest name, unless it is known."""
    names_ = set(known)
    if name in names_:
        return
    meant = nearest(name, names_)
    hint = f"did you mean {meant}?" if meant else f"see shoal {listing}"
    raise UnknownName(f"there is no {what} {name}", next_step=hint)
