"""What other machines are told to do is valid by its schema, and names what there is."""

import json
import re
from pathlib import Path

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = [(path, "vendor.github-workflows") for path in WORKFLOWS]
SCHEMAS.append((ROOT / "CITATION.cff", "vendor.citation-file-format"))


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda said: getattr(said, "name", said))
def test_a_file_is_as_its_schema_has_it(path, schema):
    done = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(path)])
    assert done.exit_code == 0, done.output


def test_a_workflow_that_is_none_is_found(tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on", "run-on"))
    done = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.github-workflows", str(path)]
    )
    assert done.exit_code == 1


def test_commands_are_those_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([a-z ]+):", makefile, re.M) for name in line.split()}
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    commands = [container["postCreateCommand"]]
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            commands += [step["run"] for step in job["steps"] if "run" in step]
    made = [word for c in commands if c.startswith("make ") for word in c.split()[1:]]
    assert {word for word in made if "=" not in word} == {"install", "book", "pdf", "epub"}
    assert {"install", "book", "pdf", "epub"} <= targets
    assert (ROOT / ".ci" / "run").exists() and ".ci/run" in commands
