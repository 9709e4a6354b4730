"""Three things to try, as commands to paste: a commit, a change by hand, a look from outside.

Every command works from any folder and with what this machine has: kubectl when it is there, else
curl with a visitor's token.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.demo.staging import VISITOR, Stage
from shoal_clusters.demo.steps import PAGES

_IDENTITY = "-c user.name=me -c user.email=me@example.com "


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to try: why, and the lines to paste."""

    title: str
    commands: Sequence[str]


async def suggest(stage: Stage) -> list[Suggestion]:
    """Three things that can be seen in the live view within seconds."""
    return await to_thread.run_sync(_suggest, stage)


def _suggest(stage: Stage) -> list[Suggestion]:
    prod = stage.clusters["prod"]
    shoal = f"{_program(stage.shoal.program)} {{}} --state {stage.shoal.state}"
    return [
        Suggestion("Roll out a change: commit, push, watch it land", _commit(stage)),
        Suggestion("Break something by hand: it is back before you look", _break(prod)),
        Suggestion(
            "Ask from another terminal: what is where, and how long the last sync took",
            [shoal.format("get targets"), shoal.format("trace web")],
        ),
    ]


def _commit(stage: Stage) -> list[str]:
    copy = stage.folder / "mine"
    identity = "" if _has_identity() else _IDENTITY
    return [
        f"git clone {stage.working_copy.url} {copy}",
        f"cd {copy}",
        "sed -i.old s/nginx:1.29.1/nginx:1.29.2/ apps/web/deployment.yaml",
        f"git {identity}commit -am 'Roll web forward' && git push",
    ]


def _break(prod: ControlPlane) -> list[str]:
    if shutil.which("kubectl"):
        kubectl = f"kubectl --kubeconfig {prod.kubeconfig} -n web"
        return [
            f"{kubectl} delete configmap pages",
            f"{kubectl} set image deployment/web web=nginx:edited",
            f"{kubectl} get deployment,configmap",
        ]
    token = prod.access(VISITOR).token
    curl = f"curl -s --cacert {prod.ca_file} -H 'Authorization: Bearer {token}'"
    return [
        f"{curl} -X DELETE {prod.server}{PAGES}",
        f"{curl} {prod.server}{PAGES}",
    ]


def _program(program: Path) -> str:
    """What to type: the bare name when that leads to this very program."""
    found = shutil.which("shoal")
    is_same = found is not None and Path(found).resolve() == program.resolve()
    return "shoal" if is_same else shlex.quote(str(program))


def _has_identity() -> bool:
    asked = subprocess.run(
        ["git", "config", "--global", "user.email"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0 and bool(asked.stdout.strip())
