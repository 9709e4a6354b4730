"""Claiming what somebody edited, where drift is only reported (`whenDrifted: Report`).

After a loss of the inventory nobody remembers what was written last, so an edit cannot be told from
an older revision by values alone. The API server can: an apply that takes nothing from others (no
`force`) is refused where another client owns a field of ours with another value. Such an object
stays as it is. Its row is made of what a dry run says the object would be, so that it differs from
what is live, and is told as drift.
"""

from __future__ import annotations

import orjson

from shoal.model.plans import OwnedState, Result, ResultStatus
from shoal.model.policies import DriftPolicy
from shoal_clusters.kubernetes.claiming import Believed
from shoal_clusters.kubernetes.messages import read_answer
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.requesting import apply_owned, read
from shoal_clusters.kubernetes.tools import Errand, also, ended, keep
from shoal_clusters.transport import Answer

_CONFLICT = "FieldManagerConflict"  # k8s.io/apimachinery/pkg/apis/meta/v1: CauseType
_NEVER = "0"
"""Older than every version: what a dry run says was never stored, so it is no live object's."""


def is_careful(errand: Errand) -> bool:
    """Whether nothing may be taken from other clients: what was written last is not known."""
    row = errand.row
    is_known = row.state is OwnedState.CONFIRMED and bool(row.baseline)
    is_reported = errand.task.policy.when_drifted is DriftPolicy.REPORT
    return is_reported and not is_known and errand.prepared.mode is Mode.APPLY


def says_edited(answer: Answer) -> bool:
    """Whether a careful apply was refused, because others own fields of ours."""
    if answer.status != 409:
        return False
    return any(cause.reason == _CONFLICT for cause in read_answer(409, answer.body).causes)


async def leave_edited(errand: Errand, there: Believed, opened: bytes) -> Result:
    """Make the row of what Git says, change nothing, and tell how what is live differs."""
    tools, key = errand.tools, errand.key
    tried = await apply_owned(tools.transport, errand.resource, key, opened, there.uid, dry=True)
    if tried.status != 200:
        return ended(errand.change, errand.refused(tried))
    looked = await read(tools.transport, errand.resource, key)
    if looked.status != 200:
        return ended(errand.change, tools.refusal(looked, key, "get"))
    wanted = orjson.loads(tried.body)
    wanted["metadata"]["resourceVersion"] = _NEVER
    result = keep(errand, wanted, ResultStatus.UNCHANGED)
    tools.observer.looked_at(key, orjson.loads(looked.body))
    return also(result, "left as somebody changed it: whenDrifted is Report")
