"""`shoal validate PATH`: offline, every problem with its file and line."""

import json

FLEET = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: test}\n"


def test_every_problem_is_a_line_and_the_exit_code_is_1(run, tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "one.yaml").write_text("apiVersion: shoal.dev/v1alpha1\nkind: Clutser\n")
    (tmp_path / "two.yaml").write_text("apiVersion: shoal.dev/v1alpha1\nkind: Cluster\nspec: 3\n")

    ended = run("validate", str(tmp_path))

    assert ended.code == 1
    assert "one.yaml:2" in ended.out
    assert "two.yaml:" in ended.out
    problems = json.loads(run("validate", str(tmp_path), "-o", "json").out)["items"]
    assert {problem["file"] for problem in problems} == {"one.yaml", "two.yaml"}


def test_a_good_fleet_is_0_and_prints_nothing_on_stdout(run, tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "bad.yaml").write_text("{")

    ended = run("validate", str(tmp_path))

    assert (ended.code, ended.out) == (0, "")
    assert "1 valid document in 1 file" in ended.err


def test_a_path_that_is_not_there_is_4(run, tmp_path):
    assert run("validate", str(tmp_path / "nothing")).code == 4


DOUBTFUL = """apiVersion: shoal.dev/v1alpha1
kind: Application
metadata: {name: web}
spec:
  source: {git: {url: https://git.example.org/apps.git}, path: web}
  placement: {clusterSelector: {}}
  sync: {whenDrifted: Report}
"""


def test_a_warning_is_on_stderr_and_the_exit_code_stays_0(run, tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "web.yaml").write_text(DOUBTFUL)

    ended = run("validate", str(tmp_path))

    assert (ended.code, ended.out) == (0, "")
    assert "warning: web.yaml:7: spec.sync.whenDrifted: edits are only reported" in ended.err
    assert "✔ 2 valid documents in 2 files, 1 warning" in ended.err


def test_strict_takes_warnings_for_problems(run, tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "web.yaml").write_text(DOUBTFUL)

    ended = run("validate", str(tmp_path), "--strict", "-o", "json")

    assert ended.code == 1
    assert [one["file"] for one in json.loads(ended.out)["items"]] == ["web.yaml"]
    assert "warning:" not in ended.err
