"""`shoal schema` prints what an editor reads, or writes it where a document can name it."""

import json


def test_the_schema_of_every_kind_is_printed_with_the_parts_of_plugins(run):
    ended = run("schema")
    found = json.loads(ended.out)

    assert ended.code == 0
    assert found["$schema"].startswith("http://json-schema.org/draft-07/")
    assert found["definitions"]["SourceSpec"]["properties"]["git"]["description"]


def test_one_kind_can_be_asked_for(run):
    found = json.loads(run("schema", "cluster", "-o", "jsonl").out)

    assert found["title"] == "A Cluster of Shoal"
    assert run("schema", "cluster", "-o", "name").out == "schema/cluster\n"
    assert "title: A Cluster of Shoal" in run("schema", "cluster", "-o", "yaml").out


def test_an_unknown_kind_is_4(run):
    ended = run("schema", "clustr")

    assert (ended.code, ended.out) == (4, "")
    assert "did you mean Cluster?" in ended.err


def test_files_are_written_and_the_line_for_editors_is_told(run, tmp_path):
    folder = tmp_path / "schemas"

    ended = run("schema", "--write", str(folder), "-o", "name")

    assert ended.code == 0
    assert "schemafile/cluster" in ended.out
    assert f"# yaml-language-server: $schema={folder}/shoal.json" in ended.err
    assert json.loads((folder / "shoal.json").read_text()) == json.loads(run("schema").out)
    assert run("schema", "cluster", "--write", str(folder)).code == 2


def test_a_folder_that_cannot_be_written_is_said(run, tmp_path):
    (tmp_path / "file").write_text("")

    ended = run("schema", "--write", str(tmp_path / "file" / "below"))

    assert ended.code == 3
    assert "cannot be written" in ended.err
