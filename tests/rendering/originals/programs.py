"""The originals that Shoal's renderers are compared with: `helm`, `kustomize`, Kubernetes' YAML.

Made as the local control planes are (`shoal.binaries`): from the cache, the official release or
published Go modules. Never taken from PATH, for another version is another original. Their versions
are those of the libraries in the render worker's go.mod; a test says when they part.
"""

from __future__ import annotations

from pathlib import Path

from tests.programs import own_program

from shoal.binaries import Binary, Recipe, Release

FOLDER = Path(__file__).parent
_PLATFORMS = frozenset({"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"})
_KUSTOMIZE_RELEASES = "/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv{version}"

_HELM = "4.3.1"

HELM = Binary(
    name="helm",
    version=_HELM,
    release=Release(
        host="https://get.helm.sh",
        path="/helm-v{version}-{os}-{arch}.tar.gz",
        checksum_path="/helm-v{version}-{os}-{arch}.tar.gz.sha256sum",
        platforms=_PLATFORMS,
        member="{os}-{arch}/helm",
    ),
    # Charts can ask for Helm's version; a module build knows no more of it than `v4.3`.
    recipe=Recipe(
        folder=FOLDER / "helm",
        package="helm.sh/helm/v4/cmd/helm",
        ldflags=f"-s -w -X helm.sh/helm/v4/internal/version.version=v{_HELM}",
    ),
    is_taken_from_path=False,
)

KUSTOMIZE = Binary(
    name="kustomize",
    version="5.8.1",
    release=Release(
        host="https://github.com",
        path=f"{_KUSTOMIZE_RELEASES}/kustomize_v{{version}}_{{os}}_{{arch}}.tar.gz",
        checksum_path=f"{_KUSTOMIZE_RELEASES}/checksums.txt",
        platforms=_PLATFORMS,
        member="kustomize",
    ),
    recipe=Recipe(folder=FOLDER / "kustomize", package="sigs.k8s.io/kustomize/kustomize/v5"),
    is_taken_from_path=False,
)


def kubernetes_yaml() -> Binary:
    """The program of `yaml/`; its version is its own content."""
    return own_program("kubernetes-yaml", FOLDER / "yaml")
