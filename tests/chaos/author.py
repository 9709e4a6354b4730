"""Who commits: a work tree that changes all the while, also badly, and never the same way twice.

Every choice comes from the generator that is handed in, so the same seed writes the same history.
Commits are pushed to the bare repository by its path: that its server is down is no matter to the
one who commits.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson
from tests.chaos.manifests import Key, first_objects, manifest, namespace_of

_PERSON = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ana"), ("EMAIL", "ana@example.org"))
}
_MOST_EXTRA = 3
BAD: Mapping[str, str] = {
    "invalid-yaml": "kind: ConfigMap\n  metadata: [\n",
    "unknown-kind": '{"apiVersion": "nowhere.example.org/v1", "kind": "Widget",'
    ' "metadata": {"name": "bad", "namespace": "NAMESPACE"}}',
    "invalid-object": '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "bad",'
    ' "namespace": "NAMESPACE"}, "spec": {"ports": [{"port": 99999999}]}}',
}


@dataclass(frozen=True, slots=True)
class Commit:
    """What one push asked for: objects that changed or came, and objects that went."""

    number: int
    at: datetime
    revision: str
    changed: frozenset[Key] = frozenset()
    removed: frozenset[Key] = frozenset()


Tree = dict[Key, int]


@dataclass(slots=True)
class Author:
    """A work tree below `folder`, pushed to `bare`; `tree` is what it holds, by number."""

    folder: Path
    bare: Path
    applications: Sequence[str]
    chance: random.Random
    tree: Tree = field(default_factory=Tree)
    commits: list[Commit] = field(default_factory=list[Commit])
    _history: list[Tree] = field(default_factory=list[Tree])
    _bad: Path | None = None
    _extra: int = 0

    def begin(self) -> Commit:
        """The first commit, and the bare repository that is served."""
        self.folder.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        self._write({key: 1 for name in self.applications for key in first_objects(name)})
        commit = self._commit("Begin", frozenset(self.tree))
        self._git("clone", "-q", "--bare", ".", str(self.bare))
        return commit

    def change(self) -> Commit:
        """Change some objects of one or two applications; now and then one comes or goes."""
        number = self._next()
        chosen = self.chance.sample(list(self.applications), k=self.chance.choice((1, 1, 2)))
        tree = dict(self.tree)
        for application in chosen:
            here = sorted(key for key in tree if key.namespace == namespace_of(application))
            for key in self.chance.sample(here, k=self.chance.randint(2, 4)):
                tree[key] = number
            if self.chance.random() < 0.25:
                self._come_or_go(tree, application, number)
        return self._push("Change", tree)

    def _come_or_go(self, tree: Tree, application: str, number: int) -> None:
        namespace = namespace_of(application)
        extra = sorted(
            key for key in tree if key.namespace == namespace and key.name.startswith("extra")
        )
        if len(extra) >= _MOST_EXTRA or (extra and self.chance.random() < 0.5):
            del tree[self.chance.choice(extra)]
            return
        self._extra += 1
        tree[Key("ConfigMap", namespace, f"extra-{self._extra}")] = number

    def rewrite(self) -> Commit:
        """Take the last commits back by force; what differs then counts as changed just now."""
        back = min(self.chance.randint(1, 3), len(self._history) - 1)
        before, number = self._history[-1 - back], self._next()
        self._git("reset", "-q", "--hard", f"HEAD~{back}")
        del self._history[len(self._history) - back :]
        # What the old commit had is what the work tree holds again, bad files included.
        self._bad = None
        differs = {key for key in before if before[key] != self.tree.get(key)}
        tree = {key: number if key in differs else before[key] for key in before}
        gone = self.tree
        self.tree = dict(before)
        self._mend()
        return self._push("Take back", tree, compared=gone, is_forced=True)

    def spoil(self, how: str) -> Commit:
        """Commit something that cannot be rendered or applied; the next commit mends it."""
        application = self.chance.choice(list(self.applications))
        self._mend()
        self._bad = self.folder / application / "bad.yaml"
        self._bad.write_text(BAD[how].replace("NAMESPACE", namespace_of(application)))
        return self._push(f"Spoil by {how}", dict(self.tree), is_mended=False)

    def _mend(self) -> None:
        for application in self.applications:
            (self.folder / application / "bad.yaml").unlink(missing_ok=True)
        self._bad = None

    def _next(self) -> int:
        return self.commits[-1].number + 1 if self.commits else 1

    def _push(
        self,
        message: str,
        tree: Tree,
        *,
        compared: Tree | None = None,
        is_forced: bool = False,
        is_mended: bool = True,
    ) -> Commit:
        before = self.tree if compared is None else compared
        if is_mended:
            self._mend()
        self._write(tree)
        changed = frozenset(key for key in tree if tree[key] != before.get(key))
        removed = frozenset(before.keys() - tree.keys())
        commit = self._commit(message, changed, removed)
        force = ["--force"] if is_forced else []
        self._git("push", "-q", *force, str(self.bare), "HEAD:main")
        return commit

    def _write(self, tree: Tree) -> None:
        for key in self.tree.keys() - tree.keys():
            self._file(key).unlink()
        for key, number in tree.items():
            if self.tree.get(key) != number:
                file = self._file(key)
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(orjson.dumps(manifest(key, number)))
        self.tree = dict(tree)

    def _file(self, key: Key) -> Path:
        application = key.namespace.removeprefix("chaos-")
        return self.folder / application / f"{key.kind.lower()}-{key.name}.yaml"

    def _commit(
        self, message: str, changed: frozenset[Key], removed: frozenset[Key] = frozenset()
    ) -> Commit:
        number = self._next()
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", f"{message} ({number})")
        revision = self._git("rev-parse", "HEAD")
        commit = Commit(number, datetime.now(UTC), revision, changed, removed)
        self.commits.append(commit)
        self._history.append(dict(self.tree))
        return commit

    def _git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **_PERSON}
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, env=environment)
        return done.stdout.decode().strip()
