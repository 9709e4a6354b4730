"""What Shoal remembers: one database in one folder, with one writer.

Two sorts of table are changed in one transaction: the *ledger* says what happened (append-only,
chained by hash), the *state* says what is (inventory, grants, holds, approvals, identities, the
last outcome per target and source, how far each Alert has come). The engine loads the state once
at start, keeps it in memory and writes every change here before it acts on it. Nothing in here is
the truth about a cluster: the owner labels on the objects are; and nothing in here is secret:
digests of Secrets are keyed, and every sentence passes `masking`.

Reading order: `states`, `changes`, `database`, `writing`, `ledger`, `news`, `loading`, `tables`,
`folder`, `heads`, `migrating`, `backing_up`, `restoring`.
"""

from shoal.store.changes import (
    Append,
    Change,
    DropApproval,
    DropGrant,
    DropHold,
    DropIdentity,
    DropIntent,
    DropOwned,
    DropSource,
    DropStream,
    DropTarget,
    PutApproval,
    PutGrant,
    PutHold,
    PutIdentity,
    PutIntent,
    PutOwned,
    PutSetting,
    PutSource,
    PutStream,
    PutTarget,
)
from shoal.store.database import RESTORED, Store, open_store
from shoal.store.states import SourceState, State, TargetState

__all__ = [
    "RESTORED",
    "Append",
    "Change",
    "DropApproval",
    "DropGrant",
    "DropHold",
    "DropIdentity",
    "DropIntent",
    "DropOwned",
    "DropSource",
    "DropStream",
    "DropTarget",
    "PutApproval",
    "PutGrant",
    "PutHold",
    "PutIdentity",
    "PutIntent",
    "PutOwned",
    "PutSetting",
    "PutSource",
    "PutStream",
    "PutTarget",
    "SourceState",
    "State",
    "Store",
    "TargetState",
    "open_store",
]
