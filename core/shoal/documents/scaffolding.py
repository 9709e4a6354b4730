"""The files of a new fleet: documents that are valid together, and what to do next. Pure.

Written by `shoal init`, and committed by `shoal bootstrap`. What a newcomer reads first is what
this writes, so each file says what it is for, and there is nothing in it that is not needed.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from string import Template

from shoal.documents.yaml_writing import scalar
from shoal.model.documents import API_VERSION

SCHEMA_FILE = ".schema/shoal.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the new fleet is like. `repository` is where its own files are fetched from.

    `secret` names the secret with the login to it, where it needs one.
    """

    name: str
    repository: str = "."
    branch: str = "main"
    secret: str = ""


def schema_line(file: PurePosixPath | os.PathLike[str], *, has_schema: bool = True) -> str:
    """The line that tells editors the schema, for a file at this path of the fleet."""
    if not has_schema:
        return ""
    folder = PurePosixPath(os.fspath(file)).parent
    return f"# yaml-language-server: $schema={os.path.relpath(SCHEMA_FILE, folder)}\n"


def scaffold(wanted: Wanted) -> Mapping[str, str]:
    """Every file of the fleet by its path, but for the schema."""
    return {name: _file(name, text, wanted) for name, text in _FILES.items()}


def fleet_name(folder: str) -> str:
    """A name for the fleet in a folder of this name."""
    letters = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
    return letters[:63].strip("-") or "fleet"


def next_steps(folder: str, *, is_repository: bool) -> Sequence[str]:
    """What to type next, in order, from where `init` was typed."""
    go = [] if folder == "." else [f"cd {folder}"]
    commit = "git add -A && git commit -m 'Begin the fleet'"
    return (
        *go,
        "shoal cluster add dev --kubeconfig FILE -l env=dev",
        commit if is_repository else f"git init -b main && {commit}",
        "shoal doctor && shoal run --fleet .",
    )


def _file(name: str, text: str, wanted: Wanted) -> str:
    secret = f", secretRef: {{name: {scalar(wanted.secret)}}}" if wanted.secret else ""
    filled = Template(text).substitute(
        api=API_VERSION,
        name=scalar(wanted.name),
        url=scalar(wanted.repository),
        branch=scalar(wanted.branch),
        secret=secret,
    )
    is_document = name.endswith(".yaml") and not name.startswith("apps/")
    return schema_line(PurePosixPath(name)) + filled if is_document else filled


_FILES: Mapping[str, str] = {
    "fleet.yaml": """\
# The name marks every object that this fleet owns: do not change it later.
apiVersion: $api
kind: Fleet
metadata: {name: $name}
""",
    "clusters/README.md": """\
# Clusters

One document for each cluster, written by

    shoal cluster add NAME --kubeconfig FILE -l env=dev

which asks the cluster first. Labels are what applications are placed by:
`shoal cluster label NAME env=prod` changes them.
""",
    "sources/apps.yaml": """\
# Where manifests come from. Here: the folder apps/ of this very repository.
apiVersion: $api
kind: Source
metadata: {name: apps}
spec:
  git: {url: $url, branch: $branch$secret}
""",
    "applications/hello.yaml": """\
# What belongs where: the manifests in apps/hello, on every cluster labelled env=dev.
apiVersion: $api
kind: Application
metadata: {name: hello}
spec:
  source: {ref: apps, path: apps/hello}
  placement:
    clusterSelector:
      matchLabels: {env: dev}
""",
    "apps/hello/hello.yaml": """\
apiVersion: v1
kind: Namespace
metadata: {name: hello}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hello, namespace: hello}
data:
  greeting: hello
""",
    ".gitignore": """\
# Credentials belong in no repository.
*.kubeconfig
kubeconfig*
secrets/
""",
    "README.md": """\
# The fleet `$name`

| where | what |
|---|---|
| `fleet.yaml` | the name of the fleet |
| `clusters/` | how each cluster is reached, and its labels |
| `sources/` | where manifests come from |
| `applications/` | what belongs on which clusters |
| `apps/` | the manifests themselves; they may as well be in repositories of their own |

## From here

    shoal cluster add dev --kubeconfig FILE -l env=dev   # a cluster of yours (*)
    shoal validate                                       # all problems at once; run it in CI
    git add -A && git commit -m 'Begin the fleet'        # manifests count once committed
    shoal doctor                                         # is everything reachable and allowed?
    shoal run --fleet .                                  # keep the clusters equal to it
    shoal status                                         # in another terminal

(*) None at hand? `shoal cluster local up dev` starts one on this machine, and says where its
kubeconfig is.

Then change `apps/hello/hello.yaml`, commit, and see `shoal history hello`. A rollback is a
`git revert`.

Editors know the fields by `.schema/shoal.json`; after an update of Shoal or of a plugin make it
anew: `shoal schema --write .schema`. `shoal explain application.spec.sync` tells the same in a
terminal.
""",
}
