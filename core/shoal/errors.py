"""Every error that Shoal raises on purpose, as one tree.

    ShoalError
        Retryable                  trying again may help, without anybody doing anything
            SourceUnavailable      a source could not be reached or read just now
            HttpFailed             a server that a plugin asked gave no answer, or said: later
            ClusterNotConnected    no session is open to this cluster
            ClusterUnreachable     a request to an API server got no answer
            ServerBusy             the API server said: later (429, 503, 504, a conflict)
            MissingNamespace       the namespace of an object is not there yet
            MissingApi             the cluster does not serve this kind (yet)
            ForbiddenByCluster     quota, policy, RBAC or a webhook said no
            StoreUnavailable       the state database cannot be written just now
            PluginFailed           a plugin raised what it should not have raised
        Permanent                  only another commit, or a person, can help
            InvalidDocument        a Cluster, Source or Application is not well-formed
            InvalidSource          a source names something that is not there (branch, path)
            AccessDenied           a credential was refused
                Unauthenticated    an API server does not know whose credential it is (401)
            UntrustedRevision      a revision is not signed by a key that is trusted
            UnsafePath             a path leads out of the tree it was read from
            InvalidManifest        a rendered object is not one that can be applied
            OverrideFailed         an override does not fit the object it names
            MissingFact            a cluster has no such label or value
            ExpressionFailed       an expression gives no answer, or one of the wrong type
                MissingField       it reads what is not there
            InvalidObject          the API server refused an object as invalid
            OwnershipConflict      an object of this name belongs to somebody else
            BudgetExceeded         an input is larger than Shoal agrees to read
            BinaryUnavailable      a helper program could be neither found nor made
            StateInUse             another process holds the state folder
            StateUnusable          the state folder or its database cannot be used as it is
            NotRunning             no controller answers
            UnknownName            a command names something that does not exist
            InvalidQuery           a list is asked for in a way that cannot be understood

An error takes facts and says, in one sentence: what, where, why; `next_step` says what to do.
The two branches decide behaviour everywhere: a Retryable is tried again with back-off (not before
`after_seconds`, when it is known), a Permanent waits for another revision or a person.
"""

from __future__ import annotations


class ShoalError(Exception):
    """Base of all errors raised on purpose; `reason` is a stable CamelCase word for readers."""

    next_step: str = ""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        if next_step:
            self.next_step = next_step

    @property
    def reason(self) -> str:
        """The stable name of this kind of error, as shown in states, records and metrics."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.message}; {self.next_step}" if self.next_step else self.message


class Retryable(ShoalError):
    """Trying again may help; `after_seconds` is the earliest time that makes sense, if known."""

    def __init__(
        self, message: str, *, next_step: str = "", after_seconds: float | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.after_seconds = after_seconds


class Permanent(ShoalError):
    """Only another commit, or a person, can help."""


class SourceUnavailable(Retryable):
    """A source could not be reached or read just now."""


class HttpFailed(Retryable):
    """A server that a plugin asked gave no answer (unknown, not trusted, late), or said: later."""


class ClusterNotConnected(Retryable):
    """No session is open to this cluster; callers get this at once and never wait."""


class ClusterUnreachable(Retryable):
    """A request to an API server got no answer: refused, reset, timed out."""


class ServerBusy(Retryable):
    """The API server answered, and the answer means later."""


class MissingNamespace(Retryable):
    """The namespace of an object does not exist, or is being deleted."""


class MissingApi(Retryable):
    """The cluster does not serve this group, version and kind."""


class ForbiddenByCluster(Retryable):
    """Quota, policy, RBAC or an admission webhook refused; the cause lives in the cluster."""


class StoreUnavailable(Retryable):
    """The state database cannot be written just now (disk full, locked)."""


class PluginFailed(Retryable):
    """A plugin raised what no seam allows, or missed its deadline."""


class InvalidDocument(Permanent):
    """A document that people write is not well-formed."""


class InvalidSource(Permanent):
    """A source names something that is not there: a branch, a commit, a path."""


class AccessDenied(Permanent):
    """A credential was refused."""


class Unauthenticated(AccessDenied):
    """An API server does not accept a credential at all, read anew or not."""


class UntrustedRevision(Permanent):
    """A revision is not signed, or not by a key that is trusted."""


class UnsafePath(Permanent):
    """A path leads out of the tree it was read from."""


class InvalidManifest(Permanent):
    """A rendered object is not one that can be applied."""


class OverrideFailed(Permanent):
    """An override does not fit the object it names."""


class MissingFact(Permanent):
    """A reference names a fact that the cluster does not have: a label, a value."""


class ExpressionFailed(Permanent):
    """An expression of a document gives no answer, or one of the wrong type."""


class MissingField(ExpressionFailed):
    """An expression reads a field that is not there, or not there yet."""


class InvalidObject(Permanent):
    """The API server refused an object as invalid."""


class OwnershipConflict(Permanent):
    """An object of this name is there and belongs to somebody else."""


class BudgetExceeded(Permanent):
    """An input is larger, deeper or more numerous than Shoal agrees to read."""


class BinaryUnavailable(Permanent):
    """A helper program could be neither found, downloaded nor built."""


class StateInUse(Permanent):
    """Another process holds the lock of this state folder."""


class StateUnusable(Permanent):
    """The state folder, its key or its database is damaged, or from a newer Shoal."""


class NotRunning(Permanent):
    """No controller answers on the socket."""


class UnknownName(Permanent):
    """A command names an application, cluster, hold or kind that does not exist."""


class InvalidQuery(Permanent):
    """A list is asked for in a way that cannot be understood: a condition, a field, a place."""
