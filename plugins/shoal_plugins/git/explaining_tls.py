"""What goes wrong before a server has shown who it is, as errors of ours.

curl says it in the words of the TLS library that it was built with: GnuTLS on Debian and Ubuntu,
OpenSSL nearly everywhere else. Where those words are vague, `diagnosing` has added what another
library says. Called by `explaining`.
"""

from __future__ import annotations

import re

from shoal.errors import ShoalError, SourceUnavailable
from shoal_plugins.git.running import GitFailed, Remote

# In this order: what a certificate lacks comes before "not trusted", which GnuTLS always says.
_RULES = (
    (
        r"certificate (?:has|is) expired|expiration date has passed",
        "its certificate has expired",
        "renew it there",
    ),
    (
        r"not yet valid|activation date",
        "its certificate is not valid yet",
        "compare the clocks of both machines",
    ),
    (
        r"does not match target host name|no alternative certificate subject name"
        r"|hostname mismatch|IP address mismatch|certificate is not valid for",
        "its certificate is for another name",
        "write the address with a name that the certificate holds",
    ),
    (
        r"unexpected TLS packet|wrong version number|packet length too long",
        "it answers in plain text where TLS was expected",
        "check the port",
    ),
    (
        r"certificate required|alert (?:bad|unknown) certificate|alert unknown ca"
        r"|required SSL certificate",
        "it asks for a client certificate, or refused the one in tls.crt",
        "give the secret tls.crt and tls.key that the server accepts",
    ),
    (
        r"certificate verification failed|certificate verify failed|SSL certificate problem"
        r"|unable to get (?:local )?issuer|self.signed certificate|signer not trusted",
        "its certificate was signed by nobody who is trusted",
        "put the certificate of the authority that signed it into the secret as ca.crt",
    ),
)
_ENDED = re.compile(
    r"TLS fatal alert|handshake failure|getpeername\(\) failed|non-properly terminated"
    r"|unsupported protocol|alert protocol version|TLS connect error",
    re.IGNORECASE,
)
# With TLS 1.3 a server refuses a client certificate after the client has gone on.
_CUT = re.compile(r"(?:send|recv) failure|recv error", re.IGNORECASE)
_SILENT = re.compile(r"empty reply from server|received HTTP/0\.9", re.IGNORECASE)


def explain_tls(failure: GitFailed, remote: Remote) -> ShoalError | None:
    """The error that a failed handshake means; None when it is something else."""
    text = failure.stderr
    if remote.address.protocol == "http":
        if not _SILENT.search(text):
            return None
        return _unavailable(remote, "it gives no answer in plain http", "is it https://?")
    for pattern, what, next_step in _RULES:
        if re.search(pattern, text, re.IGNORECASE):
            return _unavailable(remote, what, next_step)
    certificates = remote.credential.certificates if remote.credential else None
    if _ENDED.search(text) or (certificates and certificates.key and _CUT.search(text)):
        return _unavailable(
            remote,
            "it ended the TLS connection before it answered",
            "see its log; it may want a client certificate (tls.crt and tls.key in the secret), "
            "or refuse the one that is there",
        )
    return None


def _unavailable(remote: Remote, what: str, next_step: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"repository {remote.address.text} cannot be read, because of its server: {what}",
        next_step=next_step,
    )
