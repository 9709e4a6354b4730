"""Carries out a page: writes the files it shows, types its commands, compares what they print.

What a person has before the page begins is there: an empty folder, a name for Git, and a kubeconfig
at `~/.kube/config` with the contexts dev, staging and prod. The clusters behind it are real API
servers, shared by all pages; `shoal cluster local up` is not carried out but hands out these.
`shoal run` goes on in the background until the page ends, as in a terminal of its own. Commands of
ours run in this process, everything else by a shell.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import Block, Command, commands_of, looks_like

from shoal.api.running import running
from shoal.cli.ending import carry_out
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig

PROGRAMS = Path(sys.executable).parent
_PATIENCE_SECONDS = 90.0  # of a machine that a dozen test suites share
_LOOKING_SECONDS = 5.0
_SHELL = re.compile(r"[|<>&;`*]|\$\(")
_USER = "shoal"


def _looks_only(words: Sequence[str]) -> bool:
    """Whether a command changes nothing, so that a person would type it again a moment later."""
    return words[0] == "shoal" and words[1] in ("status", "get", "describe", "history", "events")


def needs_clusters(blocks: Sequence[Block]) -> bool:
    """Whether a page speaks to clusters when it is carried out."""
    typed = [block.text for block in blocks if block.language == "console" and not block.not_run]
    speaking = ("$ shoal run", "$ shoal cluster", "$ kubectl")
    return any(command in text for text in typed for command in speaking)


@dataclass
class Player:
    """A person at a terminal in `folder`, with these clusters; `wrong` is what was otherwise."""

    folder: Path
    clusters: Mapping[str, ControlPlane]
    wrong: list[str] = field(default_factory=list)
    in_background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def prepare(self) -> None:
        """Lay out what a person has before the page begins."""
        home = Path(os.environ["HOME"])
        home.mkdir()
        if self.clusters:
            self._hand_out(home / ".kube/config", list(self.clusters))
        git = "[user]\n  name = Ann\n  email = ann@example.org\n[init]\n  defaultBranch = main\n"
        (home / ".gitconfig").write_text(git)

    def play(self, blocks: Sequence[Block]) -> None:
        """Carry out a page to its end; `wrong` says which lines are not what happens."""
        for block in blocks:
            if block.title:
                file = self.folder / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text)
            if block.language == "console" and not block.not_run:
                for command in commands_of(block):
                    self._type(block, command)

    def end(self) -> None:
        """End what runs in the background."""
        for process in self.in_background:
            process.send_signal(signal.SIGTERM)
        for process in self.in_background:
            process.wait(timeout=_PATIENCE_SECONDS)

    def _type(self, block: Block, command: Command) -> None:
        words = shlex.split(command.words)
        where = f"{block.page}:{command.line}: $ {command.words}"
        if words[:2] == ["shoal", "run"]:
            self._start(words[1:], where)
            return
        if words[:3] == ["shoal", "cluster", "local"]:
            if words[3] == "up":
                *names, _, folder = words[4:]
                self._hand_out(self.folder / folder / "kubeconfig", names)
            return
        printed = self._printed_at_last(command, words)
        if not looks_like(command.printed, printed):
            shown = command.printed or "(nothing)\n"
            self.wrong.append(f"{where}\n--- the page shows\n{shown}--- it prints\n{printed}")

    def _printed_at_last(self, command: Command, words: Sequence[str]) -> str:
        """What it prints; who only looks looks again while the news is on its way."""
        deadline = time.monotonic() + (_LOOKING_SECONDS if _looks_only(words) else 0)
        printed = self._printed_by(command.words, words)
        while not looks_like(command.printed, printed) and time.monotonic() < deadline:
            time.sleep(0.05)
            printed = self._printed_by(command.words, words)
        return printed

    def _printed_by(self, line: str, words: Sequence[str]) -> str:
        if words[0] == "shoal" and not _SHELL.search(line):
            printed = io.StringIO()
            with redirect_stdout(printed), redirect_stderr(printed):
                carry_out(words[1:])
            return printed.getvalue()
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        return ended.stdout.decode()

    def _hand_out(self, file: Path, names: Sequence[str]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_kubeconfig(file, [self.clusters[name].access(_USER) for name in names])

    def _start(self, arguments: Sequence[str], where: str) -> None:
        """Start a controller as in a terminal of its own, and wait until commands find it."""
        log = self.folder.parent / "run.log"
        with log.open("wb") as file:
            program = [PROGRAMS / "shoal", *arguments]
            process = subprocess.Popen(program, cwd=self.folder, stdout=file, stderr=file)
        self.in_background.append(process)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not running():
            assert process.poll() is None, f"{where}\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{where}: no answer\n{log.read_text()}"
            time.sleep(0.02)
