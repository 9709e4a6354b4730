"""How a document names a secret; what it holds is read by `shoal.hooks.host.Secrets`."""

from __future__ import annotations

from pydantic import Field

from shoal.model.choice import Spec
from shoal.model.documents import Name


class SecretRef(Spec):
    """The name of a secret."""

    name: Name = Field(description="The secret, in the namespace of the document that names it.")
