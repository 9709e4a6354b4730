"""The programs of a local control plane: which version, where published, how built.

The recipes are hermetic (`go.sum` is complete): kube-apiserver is the command of
`k8s.io/kubernetes` with every staging module replaced by its published twin, because that module
cannot be required plainly (kubernetes/kubernetes#79384). Found or made by `shoal.binaries.locate`.
"""

from __future__ import annotations

from pathlib import Path

from shoal.binaries import Binary, Recipe, Release

_RECIPES = Path(__file__).parent / "recipes"
_KUBERNETES = "1.37.2"
_LINUX = frozenset({"linux/amd64", "linux/arm64"})
_LINUX_AND_MAC = _LINUX | {"darwin/amd64", "darwin/arm64"}
# A module build knows no version; without one, `/version` says v0.0.0 and clients refuse it.
_KUBERNETES_LDFLAGS = (
    f"-s -w -X k8s.io/component-base/version.gitVersion=v{_KUBERNETES} "
    "-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37 "
    "-X k8s.io/component-base/version.gitTreeState=clean "
    f"-X k8s.io/client-go/pkg/version.gitVersion=v{_KUBERNETES}"
)

KUBE_APISERVER = Binary(
    name="kube-apiserver",
    version=_KUBERNETES,
    # No server programs are published for macOS: there it is always built.
    release=Release(
        host="https://dl.k8s.io",
        path="/v{version}/bin/{os}/{arch}/kube-apiserver",
        checksum_path="/v{version}/bin/{os}/{arch}/kube-apiserver.sha256",
        platforms=_LINUX,
    ),
    recipe=Recipe(
        folder=_RECIPES / "kube-apiserver",
        package="k8s.io/kubernetes/cmd/kube-apiserver",
        ldflags=_KUBERNETES_LDFLAGS,
    ),
)

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
