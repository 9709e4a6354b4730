"""What the demo puts into Git is what the documentation teaches: valid, and all of it used."""

from __future__ import annotations

from pathlib import Path

import yaml
from click.testing import CliRunner

from shoal.cli.rendering import render
from shoal.cli.validating import validate
from shoal_clusters.demo.fleet import APPLICATIONS, cluster_names, fleet_files
from shoal_clusters.demo.steps import OBJECTS


def write_fleet(folder: Path, count: int) -> dict[str, bytes]:
    kubeconfigs = {name: folder / name for name in cluster_names(count)}
    files = fleet_files("http://127.0.0.1:1/fleet.git", kubeconfigs)
    for name, content in files.items():
        path = folder / "fleet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def test_its_documents_have_no_problem(tmp_path: Path) -> None:
    write_fleet(tmp_path, 3)

    result = CliRunner().invoke(validate, [str(tmp_path / "fleet")], standalone_mode=False)

    assert result.return_value == 0, result.output


def test_the_tour_looks_at_every_object_of_it(tmp_path: Path) -> None:
    files = write_fleet(tmp_path, 3)
    fleet = tmp_path / "fleet"

    applications = {name.split("/")[1] for name in files if name.startswith("apps/")}
    rendered = [
        printed for name in sorted(applications) for printed in run_render(name, fleet).splitlines()
    ]

    assert applications == set(APPLICATIONS)
    assert sorted(path.rpartition("/")[2] for path in OBJECTS) == sorted(
        printed.rpartition("/")[2] for printed in rendered
    )


def run_render(application: str, fleet: Path) -> str:
    options = ["--fleet", str(fleet), "--path", str(fleet), "--cluster", "prod", "-o", "name"]
    result = CliRunner().invoke(render, [application, *options], standalone_mode=False)
    assert result.return_value == 0, result.output
    return result.stdout


def test_more_clusters_are_more_of_production() -> None:
    assert cluster_names(3) == ["dev", "staging", "prod"]
    assert cluster_names(5) == ["dev", "staging", "prod", "prod-2", "prod-3"]


def test_a_further_cluster_of_production_gets_its_overrides(tmp_path: Path) -> None:
    files = write_fleet(tmp_path, 4)

    labels = yaml.safe_load(files["clusters/prod-2.yaml"])["metadata"]["labels"]

    assert labels["env"] == "prod"
