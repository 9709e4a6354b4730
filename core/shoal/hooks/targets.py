"""Target types: what stands between a plan and a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from shoal.hooks.health import Judge
from shoal.hooks.host import Host
from shoal.model.descents import Descent
from shoal.model.endpoints import Endpoint, Facts
from shoal.model.examinations import Examination
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.plans import Desired, Owned, Plan, Proof, Result
from shoal.model.rights import Delivered, Grants, Reach
from shoal.model.sightings import Sighting
from shoal.model.sweeps import Swept


class Session(Protocol):
    """One open connection to one cluster; shared by all targets there, used concurrently.

    Every method raises ClusterUnreachable when the API server gives no answer and AccessDenied when
    it refuses the credential, and leaves what it already yielded standing.

    It writes to the cluster that its first probe met and to no other: when another one answers in
    its place, nothing is written and ClusterUnreachable is raised, so that it is probed at once.
    """

    async def probe(self) -> Facts:
        """One cheap request: is it there, and who is it?

        Asked when the session opens, about every ten seconds, and when a request failed.
        """
        ...

    async def api_versions(self) -> Sequence[str]:
        """What it serves, sorted: `apps/v1` and `apps/v1/Deployment`, as charts ask for it.

        Asked when a renderer looks at the fact `apiVersions`. It has 30 s.
        """
        ...

    async def plan(
        self,
        desired: Desired,
        *,
        only: frozenset[ObjectKey] | None = None,
        proof: Proof = Proof.EXPECTED,
        rerun: bool = False,
    ) -> Plan:
        """What would change, by the inventory and the sightings so far.

        Asked for each pass of each target, many at once; it has a minute, and five for a DRY_RUN.
        With `only`, a plan for these objects alone. EXPECTED sends no request per object. DRY_RUN
        asks the server about each object that would be written and changes nothing: `patch` of a
        change is then the masked difference to what is live, with a `test` before each value that
        goes (`told_difference` makes it); objects that are equal are left out, and `refused` holds
        all that the server would refuse. `desired` need not be what the target was granted then:
        what is tried out is never remembered. With `rerun`, what runs to its end and has ended is
        planned to run again.
        """
        ...

    async def learn(
        self, wanted: Collection[Desired] | None, unknown: Collection[TargetKey] = ()
    ) -> None:
        """What all targets of the cluster should hold, from now on; None: nobody can say now.

        Of `unknown` ones nobody can say, so what they have is not taken from them. Told before a
        plan that deletes or adopts is carried out. An object that one target no longer wants and
        another does is handed over: HAND_OVER there and ADOPT here, and nothing is deleted. While
        nobody can say, no object changes hands and none is deleted: WAITING.
        """
        ...

    def sweep(self, swept: Collection[GroupKind] = ()) -> AsyncIterator[Swept]:
        """All that carries the marks of the fleet, of every kind that can be listed.

        Asked when the inventory may have holes. Metadata only, in pages, one kind after the other,
        asked anew; each may take two minutes. The kinds in `swept` are left out, so that a sweep
        that was cut off goes on where it was. A kind that cannot be listed is told with its error
        and ends nothing. What controllers copied, what another fleet has, and what its live
        annotation `shoal.dev/prune: Never` lets go, is not told.
        """
        ...

    def apply(
        self, plan: Plan, desired: Desired, *, granted: Callable[[], bool]
    ) -> AsyncIterator[Result]:
        """Carry the plan out: one result per change, as they come.

        Called once for a plan of this session. Each result may take ten minutes.
        Objects are written in stages and deleted after all writes, in reverse; nothing is deleted
        when a write of this plan failed. Before each request `granted()` is asked: once it says no,
        what is left ends REVOKED. Errors of single objects are results, not exceptions.
        """
        ...

    async def differences(
        self, target: TargetKey, keys: frozenset[ObjectKey]
    ) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
        """What it would take for Git to say what is live: read now, one request per object.

        Asked when a person wants to take drift into Git. It has 20 s.
        By object, the masked RFC 6902 patch from what is desired to what is live, of the fields
        that we wrote and of those that were added by hand; empty when they are equal. Objects that
        are gone, belong to somebody else, or were not planned for yet are left out.
        """
        ...

    def sightings(self) -> AsyncIterator[Sighting]:
        """What differs from the inventory, and health that changed; never ends by itself.

        The health of an object is told after each write of it, changed or not: until then it is
        not known to be that of what was written. Consumed once per session. A slow consumer
        sees the newest sighting of each object.
        """
        ...


@runtime_checkable
class DescendingSession(Protocol):
    """A session that can look below workloads; any may leave it out."""

    async def pods(self, target: TargetKey) -> Descent:
        """The Pods that controllers made for what a target has there, and how each of them does.

        Asked when a person wants to see them (`shoal tree --pods`); it has 20 s, and keeps nothing
        of it. Some requests for each workload, and a bounded number of them: what is too much, and
        what the credential may not read, is a gap. Raises as the methods of a session.
        """
        ...


class TargetType(Protocol):
    """One kind of target; shared by all clusters."""

    @property
    def name(self) -> str:
        """The stable name of this kind of target: `kubernetes`."""
        ...

    def open(
        self,
        cluster: str,
        endpoint: Endpoint,
        owned: Mapping[ObjectKey, Owned],
        judge: Judge,
        host: Host,
    ) -> AbstractAsyncContextManager[Session]:
        """Connect. `owned` is a live view: the engine keeps it equal to the inventory.

        Called when a cluster joins, and again after its session broke; to enter it has 30 s, to
        leave 10 s. Raises, on entering, as the methods of the session do.

        `judge` is asked about the health of every object before the target's own rules are. Its
        rules of a target may change with each plan: what was judged by others is then told as
        Unknown at once, and judged anew.

        The session may run tasks of its own until the context ends.
        """
        ...


@runtime_checkable
class GrantingTargetType(Protocol):
    """A target type that can write down what an account must be allowed; any may leave it out."""

    def grants(self, delivered: Sequence[Delivered], reach: Reach) -> Grants:
        """What an administrator applies to a cluster so that all of this can be kept equal to Git.

        Called by `shoal cluster rbac`. Pure: asks nobody, raises nothing, and grants nothing by
        itself.
        """
        ...


@runtime_checkable
class ExaminingTargetType(Protocol):
    """A target type that can look at a cluster without a session; any may leave it out."""

    async def examine(
        self, cluster: str, endpoint: Endpoint, delivered: Sequence[Delivered], host: Host
    ) -> Examination:
        """Who answers there, how fast, and whether all that is delivered there is allowed.

        Called by commands that set a fleet up or look for what is wrong, without a session; it has
        15 s. Some requests, no watch, and nothing is written. Raises ClusterUnreachable when
        nobody answers and AccessDenied when the credential is refused.
        """
        ...
