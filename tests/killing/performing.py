"""Plays one scene: a run that is killed at a step, another that ends the work, the judgement."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread
from tests.killing.children import Children, Run, told_access
from tests.killing.judging import everything, judge, older_writes
from tests.killing.scenes import SCENES, Goal, Scene, Stage, make_stage

from shoal.composition.loading import Plugins
from shoal.store import open_store
from shoal_clusters.controlplane import audit
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client


@dataclass
class Performance:
    """One scene, step by step; `steps` says at what the controller was killed so far."""

    name: str
    folder: Path
    plugins: Plugins
    cluster: ControlPlane
    admin: Client
    children: Children
    steps: list[str] = field(default_factory=list)
    _stage: Stage | None = None
    _seq: int = 0
    _index: int = 0

    @property
    def scene(self) -> Scene:
        return SCENES[self.name]

    async def perform(self, kill_at: int) -> bool:
        """Kill at this step and judge what comes of it; False when there is no such step."""
        self._index += 1
        stage = await self._ready()
        first = await self.scene.prepare(stage, self._index)
        if first is not None:
            await self._run(stage, first, 0, "prepared")
        before = await everything(stage)
        since = await audit.audit_position(self.cluster.audit_log)
        if first is not None:
            self._seq = await _end_of_ledger(stage)
        goal = await self.scene.change(stage, self._index)
        code = await self._run(stage, goal, kill_at, "killed")
        was_killed = code == -signal.SIGKILL
        superseded = ""
        if was_killed and self.scene.has_newer:
            superseded = f"color-{self._index}"
            await stage.write("shop", dict.fromkeys(stage.files["shop"], f"newer-{self._index}"))
            goal = stage.goal(await stage.commit())
        if was_killed:
            await self._run(stage, goal, 0, "ended")
            self._note_step(stage, kill_at, superseded)
        kept = self.scene.kept
        self._seq = await judge(stage, goal, before=before, kept=kept, since=since, seq=self._seq)
        return was_killed

    def told(self) -> str:
        """The steps of the last run that was to be killed, for whoever looks for a fault."""
        if self._stage is None:
            return ""
        return "\n".join(self._log(self._stage, "killed").read_text().splitlines()[-15:])

    async def _ready(self) -> Stage:
        if self._stage is None or self.scene.is_fresh:
            folder = self.folder / f"{self.name.replace(' ', '-')}-{self._index}"
            self._stage = await make_stage(folder, self.plugins, self.cluster, self.admin)
            self._seq = 0
        return self._stage

    async def _run(self, stage: Stage, goal: Goal, kill_at: int, log: str) -> int:
        run = Run(
            folder=str(stage.fleet.folder),
            fleet=stage.fleet.name,
            namespace=stage.namespace,
            access=told_access(self.cluster.access()),
            kill_at=kill_at,
            log=str(self._log(stage, log)),
            wanted=goal.wanted,
            revision=goal.revision,
            applications=goal.applications,
            approves=goal.approves,
        )
        return await anyio.to_thread.run_sync(self.children.run, run)

    def _log(self, stage: Stage, name: str) -> Path:
        return stage.fleet.folder / f"{self._index}-{name}.log"

    def _note_step(self, stage: Stage, kill_at: int, superseded: str) -> None:
        killed, ended = (self._log(stage, name) for name in ("killed", "ended"))
        lines = killed.read_text().splitlines()
        self.steps.append(next(line for line in lines if line.startswith(f"{kill_at} ")))
        approved = _approvals(killed)
        assert not set(approved) & set(_approvals(ended)), "an approval was lost"
        if superseded:
            assert not older_writes(ended, superseded), "an older revision was written"


async def _end_of_ledger(stage: Stage) -> int:
    async with open_store(stage.fleet.folder / "state") as store:
        return store.last_seq


def _approvals(log: Path) -> Sequence[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("- approved")]
