"""The source `http`: one file of a web server, such as the install.yaml of a release."""

from __future__ import annotations

from posixpath import basename
from urllib.parse import urlsplit

from pydantic import Field

from shoal.errors import InvalidSource, UntrustedRevision
from shoal.hooks.host import Host, HttpRequest
from shoal.model.artifacts import Artifact, Provenance
from shoal.model.choice import Spec
from shoal.model.digests import digest_bytes
from shoal.model.identity import Ref
from shoal.model.secret_refs import SecretRef
from shoal.model.trees import MemoryTree
from shoal_example.asking import check, login

_MOST_BYTES = 8 * 1024 * 1024


class HttpSpec(Spec):
    """One file of a web server; its content is the revision."""

    url: str = Field(
        pattern=r"^https?://[^/?#\s@]+/[^?#\s]*[^/?#\s]$",
        description="https://host/path/install.yaml; http:// to this machine only.",
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Take only the content with this digest; any when left out.",
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="A secret with the key token, sent as a bearer token."
    )


class HttpSource:
    """Downloads the file at each look; keeps nothing."""

    name = "http"
    spec = HttpSpec

    async def fetch(
        self, source: Ref, spec: HttpSpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        """The file as it is now; `previous` itself when its content is the same."""
        headers = await login(host, source.namespace, spec.secret_ref)
        answer = await host.http.request(
            HttpRequest(method="GET", url=spec.url, headers=headers, most_bytes=_MOST_BYTES)
        )
        check(answer, spec.url, InvalidSource)
        revision = digest_bytes(answer.body)
        if spec.sha256 not in (None, revision):
            raise UntrustedRevision(
                f"the digest of {spec.url} is {revision}, and {spec.sha256} is asked for",
                next_step="find out why it changed before you name the new digest",
            )
        made = Provenance(url=spec.url)
        if previous is not None and (previous.revision, previous.provenance) == (revision, made):
            return previous
        tree = MemoryTree({basename(urlsplit(spec.url).path): answer.body})
        return Artifact(source, revision, tree.digest, tree, made)
