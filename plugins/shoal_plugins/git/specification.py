"""What people write below `git:`, and what is refused while it is still a document."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shoal.model.choice import Spec
from shoal.model.documents import Name
from shoal_plugins.git.addresses import Address, parse_address

# The rules of git-check-ref-format(1); what they refuse no repository can hold.
_FORBIDDEN_IN_REF = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(?:/|$)|(?:^|/)\.|[./]$|^[-/]|^@$"
)
_LONGEST_REF = 255


def _agreed_url(value: str) -> str:
    parse_address(value)
    return value


def _agreed_ref(value: str) -> str:
    if not value or len(value) > _LONGEST_REF or _FORBIDDEN_IN_REF.search(value):
        raise ValueError("expected the short name of a branch or tag, such as main or v1.2.0")
    if value.startswith("refs/"):
        raise ValueError("expected a short name, without refs/heads/ or refs/tags/")
    return value


class SecretRef(Spec):
    """The name of a secret."""

    name: Name = Field(description="The secret, in the namespace of the source.")


class GitSpec(Spec):
    """A Git repository, and what of it is wanted; the remote's HEAD when nothing is named."""

    url: Annotated[str, AfterValidator(_agreed_url)] = Field(
        description="https://host/path.git, http:// to this machine, or a path from the fleet's "
        "folder when the fleet is a local folder."
    )
    branch: Annotated[str, AfterValidator(_agreed_ref)] | None = Field(
        default=None, description="Follow this branch."
    )
    tag: Annotated[str, AfterValidator(_agreed_ref)] | None = Field(
        default=None, description="Follow this tag."
    )
    commit: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="Stay at this commit; all 40 digits, because a short name can become another.",
    )
    secret_ref: SecretRef | None = Field(
        default=None,
        description="A secret with the key token, or the keys username and password.",
    )

    @model_validator(mode="after")
    def _at_most_one_revision(self) -> Self:
        if sum(part is not None for part in (self.branch, self.tag, self.commit)) > 1:
            raise ValueError("give at most one of branch, tag and commit")
        if self.secret_ref and self.address.is_local:
            raise ValueError("a local path takes no secretRef")
        return self

    @property
    def address(self) -> Address:
        """The agreed address."""
        return parse_address(self.url)
