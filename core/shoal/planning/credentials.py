"""Whether a credential that was refused is worth another try: once for each change of its content.

A 401 means: read the credential again, reconnect if it is another one, and otherwise back off until
somebody renews it. The content itself is never kept, only its digest.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CredentialTrial:
    """What is known of one cluster's credential: the digest of the one refused last."""

    refused: str | None = None

    def after_refusal(self, digest: str) -> CredentialTrial:
        """The API server answered 401 to the credential with this digest."""
        return CredentialTrial(digest)

    def after_success(self) -> CredentialTrial:
        """A request was let in: whatever is refused from now on is news."""
        return CredentialTrial()

    def is_worth_trying(self, digest: str) -> bool:
        """Whether to reconnect at once with what was read again; otherwise back off."""
        return digest != self.refused
