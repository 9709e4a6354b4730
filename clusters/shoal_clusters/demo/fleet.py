"""The sample fleet as files: what is kept in `sample/`, and what depends on where the demo runs.

Pure but for reading the package's own files. Clusters differ by their labels: overrides and
selectors read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

API_VERSION = "shoal.dev/v1alpha1"
SOURCE = "fleet"
APPLICATIONS = ("settings", "web", "worker")
REGIONS = ("eu-west", "us-east", "ap-south")

_SAMPLE = Path(__file__).parent / "sample"
_FIRST_NAMES = ("dev", "staging", "prod")


def cluster_names(count: int) -> list[str]:
    """`dev`, `staging`, `prod`, and for more of them `prod-2` and on."""
    return [*_FIRST_NAMES, *(f"prod-{number}" for number in range(2, count - 1))][:count]


def fleet_files(url: str, kubeconfigs: Mapping[str, Path]) -> dict[str, bytes]:
    """Every file of the fleet's repository, which is served at `url`."""
    files = {
        path.relative_to(_SAMPLE).as_posix(): path.read_bytes()
        for path in sorted(_SAMPLE.rglob("*"))
        if path.is_file()
    }
    files[f"sources/{SOURCE}.yaml"] = _dump(_source(url))
    for number, (name, kubeconfig) in enumerate(kubeconfigs.items()):
        region = REGIONS[number % len(REGIONS)]
        files[f"clusters/{name}.yaml"] = _dump(_cluster(name, region, kubeconfig))
    return files


def _source(url: str) -> dict[str, Any]:
    # The webhook announces every push; looking now and then is for what no webhook told.
    spec = {"git": {"url": url, "branch": "main"}, "interval": "2s"}
    return _document("Source", {"name": SOURCE}, spec)


def _cluster(name: str, region: str, kubeconfig: Path) -> dict[str, Any]:
    labels = {"env": name.partition("-")[0], "region": region}
    spec = {"access": {"kubeconfig": {"path": str(kubeconfig)}}}
    return _document("Cluster", {"name": name, "labels": labels}, spec)


def _document(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _dump(document: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(document, sort_keys=False).encode()
