"""The programs of a local control plane: which versions, where published, how built.

Several versions of Kubernetes are known, by minor version, so that tests can meet the oldest and
the newest; the API server and the controller manager of one version belong together. The recipes
are hermetic (`go.sum` is complete): one per minor version for both programs, which are commands of
`k8s.io/kubernetes` with every staging module replaced by its published twin, because that module
cannot be required plainly (kubernetes/kubernetes#79384). Found or made by `shoal.binaries.locate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from shoal.binaries import Binary, Recipe, Release

_RECIPES = Path(__file__).parent / "recipes"
_LINUX = frozenset({"linux/amd64", "linux/arm64"})
_LINUX_AND_MAC = _LINUX | {"darwin/amd64", "darwin/arm64"}


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """The programs of one version; `minor` is how people name it, for example `1.37`."""

    minor: str
    apiserver: Binary
    controller_manager: Binary


def _kubernetes(version: str) -> Kubernetes:
    minor = version.rpartition(".")[0]
    return Kubernetes(
        minor=minor,
        apiserver=_program("kube-apiserver", version, minor),
        # One found on PATH may be of another version than the API server that it is to work for.
        controller_manager=replace(
            _program("kube-controller-manager", version, minor), is_taken_from_path=False
        ),
    )


def _program(name: str, version: str, minor: str) -> Binary:
    return Binary(
        name=name,
        version=version,
        # No server programs are published for macOS: there they are always built.
        release=Release(
            host="https://dl.k8s.io",
            path=f"/v{{version}}/bin/{{os}}/{{arch}}/{name}",
            checksum_path=f"/v{{version}}/bin/{{os}}/{{arch}}/{name}.sha256",
            platforms=_LINUX,
        ),
        recipe=Recipe(
            folder=_RECIPES / f"kubernetes-{minor}",
            package=f"k8s.io/kubernetes/cmd/{name}",
            ldflags=_ldflags(version),
        ),
    )


def _ldflags(version: str) -> str:
    """A module build knows no version; without one, `/version` says v0.0.0: clients refuse it."""
    major, minor, _ = version.split(".")
    facts = {
        "k8s.io/component-base/version.gitVersion": f"v{version}",
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/component-base/version.gitTreeState": "clean",
        "k8s.io/client-go/pkg/version.gitVersion": f"v{version}",
    }
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in facts.items())])


# Oldest first: the ones that `make test-versions` runs the tests against.
KUBERNETES: Mapping[str, Kubernetes] = {
    "1.34": _kubernetes("1.34.4"),
    "1.37": _kubernetes("1.37.2"),
}
OLDEST, *_, NEWEST = KUBERNETES


def kubernetes_of(minor: str | None) -> Kubernetes:
    """The programs of this minor version, of no other; None: the newest, or what is installed."""
    if minor is None:
        return KUBERNETES[NEWEST]
    chosen = KUBERNETES[minor]
    return replace(chosen, apiserver=replace(chosen.apiserver, is_taken_from_path=False))


ETCD = Binary(
    name="etcd",
    version="3.7.3",
    # The archives for macOS are .zip files; building takes half a minute.
    release=Release(
        host="https://github.com",
        path="/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-{os}-{arch}.tar.gz",
        checksum_path="/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
        platforms=_LINUX,
        member="etcd-v{version}-{os}-{arch}/etcd",
    ),
    recipe=Recipe(folder=_RECIPES / "etcd", package="go.etcd.io/etcd/server/v3"),
)

KIND = Binary(
    name="kind",
    version="0.33.0",
    release=Release(
        host="https://github.com",
        path="/kubernetes-sigs/kind/releases/download/v{version}/kind-{os}-{arch}",
        checksum_path="/kubernetes-sigs/kind/releases/download/v{version}/"
        "kind-{os}-{arch}.sha256sum",
        platforms=_LINUX_AND_MAC,
    ),
    recipe=Recipe(folder=_RECIPES / "kind", package="sigs.k8s.io/kind"),
)
