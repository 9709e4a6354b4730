"""What is dangerous is done in one place, which guards it: a second place fails here.

Fleets for tests and demos (`shoal_clusters.controlplane`, `.demo`, `shoal.testing`) run programs
and open connections of their own, and nothing of a fleet's source or API server reaches them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("core/shoal", "clusters/shoal_clusters", "plugins/shoal_plugins")
LOCAL_ONLY = ("shoal_clusters.controlplane.", "shoal_clusters.demo.", "shoal.testing.")

RULES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "starts a program": (
        frozenset(
            {
                *("subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call"),
                *("subprocess.check_output", "asyncio.create_subprocess_exec", "os.posix_spawn"),
                *(
                    "anyio.open_process",
                    "anyio.run_process",
                    "git.Git",
                    "git.cmd.Git",
                    "os.execv",
                    "os.execve",
                    "os.fork",
                ),
                *("os.execvp", "os.execvpe", "os.spawnv", "os.forkpty", "pty.fork", "pty.spawn"),
            }
        ),
        frozenset(
            {
                "shoal.binaries.running",  # what builds a helper program
                "shoal_clusters.access.asking",  # the client's own code, for listed programs
                "shoal_plugins.git.keyrings",  # gpg and ssh-keygen, which verify
                "shoal_plugins.git.running",  # git
                "shoal_plugins.rendering.processes",  # the render worker
            }
        ),
    ),
    "runs a shell": (
        frozenset({"os.system", "os.popen", "asyncio.create_subprocess_shell", "shell=True"}),
        frozenset(),
    ),
    "opens a connection": (
        frozenset(
            {
                *("aiohttp.ClientSession", "http.client.HTTPConnection", "urllib.request.urlopen"),
                *("http.client.HTTPSConnection", "socket.create_connection", "anyio.connect_tcp"),
                *("asyncio.open_connection", "anyio.connect_unix", "httpx.AsyncClient"),
            }
        ),
        frozenset(
            {
                "shoal.binaries.downloading",  # releases, by digest
                "shoal.composition.requesting",  # what plugins are lent
                "shoal_clusters.transport",  # API servers
            }
        ),
    ),
    "makes code of data": (
        frozenset(
            {
                *("eval", "exec", "pickle.loads", "pickle.load", "marshal.loads"),
                *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "__import__"),
            }
        ),
        frozenset(),
    ),
    "imports by name": (
        frozenset({"importlib.import_module", "point.load"}),
        frozenset(
            {
                "shoal.cli.plugin_commands",  # commands of plugins that were loaded
                "shoal.composition.loading",  # plugins that are named
            }
        ),
    ),
    "unpacks an archive": (
        frozenset({"tarfile.open", "zipfile.ZipFile", "shutil.unpack_archive"}),
        frozenset(
            {
                "shoal.binaries.downloading",  # one member, of a release known by digest
                "shoal.store.backing_up",  # writes one
                "shoal.store.restoring",  # known members, bounded
            }
        ),
    ),
    "reads the tree of a source": (
        frozenset(
            {"tree.read", "tree.list", "tree.entry", "_tree.read", "_tree.list", "_tree.entry"}
        ),
        frozenset(
            {
                "shoal.engine.folders",  # the one path resolver
                "shoal.engine.choosing",  # names what stands beside a folder that is missing
                "shoal.engine.sent_files",  # a working copy, on the side of the command
                "shoal_plugins.git.source",  # reads a revision ahead, and looks at nothing
                "shoal_plugins.git.submodules",  # .gitmodules, by its own name
            }
        ),
    ),
    "listens": (
        frozenset({"socket.socket", "asyncio.start_server", "anyio.create_tcp_listener"}),
        frozenset({"shoal.api.listening", "shoal.api.running"}),
    ),
}
"""What is done → the calls that do it, and where they may stand."""


@cache
def calls() -> tuple[tuple[str, str, int], ...]:
    """Module, what is called (imports followed) and line, of every call."""
    found: list[tuple[str, str, int]] = []
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            relative = file.relative_to((ROOT / folder).parent).with_suffix("")
            module = ".".join(relative.parts).removesuffix(".__init__")
            if not module.startswith(LOCAL_ONLY):
                found += ((module, name, line) for name, line in _calls(file.read_text()))
    return tuple(found)


def _calls(text: str) -> Iterator[tuple[str, int]]:
    tree = ast.parse(text)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.asname: each.name for each in node.names if each.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield _full(ast.unparse(node.func), names), node.lineno
            for keyword in node.keywords:
                if keyword.arg == "shell":
                    yield f"shell={ast.unparse(keyword.value)}", node.lineno


def _full(called: str, names: dict[str, str]) -> str:
    first, dot, rest = called.partition(".")
    return f"{names.get(first, first)}{dot}{rest}"


def _is_meant(called: str, names: frozenset[str]) -> bool:
    """By its whole name, or as `self._tree.read`, which is a tree's, whoever holds it."""
    return called in names or any("." in name and called.endswith(f".{name}") for name in names)


def places(names: frozenset[str]) -> dict[str, int]:
    """Where one of these is called: module → line."""
    return {module: line for module, called, line in calls() if _is_meant(called, names)}


@pytest.mark.parametrize("what", RULES)
def test_it_is_done_where_it_is_guarded_and_nowhere_else(what: str) -> None:
    names, allowed = RULES[what]
    elsewhere = {each: line for each, line in places(names).items() if each not in allowed}

    assert not elsewhere, f"{what}, and not where that is guarded: {elsewhere}"


@pytest.mark.parametrize("what", RULES)
def test_no_place_is_allowed_that_does_not_do_it(what: str) -> None:
    names, allowed = RULES[what]

    assert allowed <= places(names).keys()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("from subprocess import run as go\ngo(['x'])", "starts a program"),
        ("import subprocess\nsubprocess.run('x', shell=True)", "runs a shell"),
        ("import aiohttp as a\na.ClientSession()", "opens a connection"),
        ("self._tree.read(path)", "reads the tree of a source"),
        ("eval(text)", "makes code of data"),
    ],
)
def test_a_second_place_would_be_seen(text: str, what: str) -> None:
    names, _ = RULES[what]

    assert any(_is_meant(called, names) for called, _ in _calls(text))
