"""Finds a helper program (an API server, etcd, the render worker), or makes it, in one way only.

Shoal needs a few programs that are not Python. Whoever needs one describes it as a `Binary` and
awaits `locate`, which looks in this order and stops at the first success:

1. what is already here: the folder `KUBEBUILDER_ASSETS`, PATH, the installed wheel;
2. the user's cache, `<cache>/shoal/bin/<name>-<version>/<name>` (`XDG_CACHE_HOME` is respected);
3. the official release, checked by SHA-256 before it gets its name (`downloading`);
4. a build from published Go modules by a Go toolchain, once, into the cache (`building`).

Downloads out of reach are given up within seconds and the build begins; a download whose checksum
is wrong is refused loudly and nothing else is tried. Used by clusters (local control planes) and by
plugins (the render worker). It never updates what is in the cache. `run_tool` runs a program to its
end, for those who need one for a single answer.
"""

from shoal.binaries.locating import find, locate
from shoal.binaries.running import ToolFailed, run_tool
from shoal.binaries.specification import Binary, Progress, Recipe, Release, silent

__all__ = [
    "Binary",
    "Progress",
    "Recipe",
    "Release",
    "ToolFailed",
    "find",
    "locate",
    "run_tool",
    "silent",
]
