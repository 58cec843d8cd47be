"""The three places that name versions agree."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
PINS = {
    canonicalize_name(match[1]): match[2]
    for match in (re.match(r"([\w.-]+)==(\S+)", line) for line in LINES)
    if match
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]

# Everything that the `make` targets need; pre-commit and JupyterLab are the reader's choice.
NEEDED = [
    Requirement(line)
    for line in (
        *PROJECT["dependencies"],
        *(
            line
            for extra in ("experiments", "assignments", "book", "test", "dev")
            for line in EXTRAS[extra]
        ),
    )
    if not line.startswith("pre-commit")
]


def test_every_line_is_a_pin_a_comment_or_this_package():
    others = [
        line
        for line in LINES
        if line and not line.startswith("#") and not re.match(r"[a-z0-9-]+==[0-9][\w.]*( |$)", line)
    ]
    assert others == ["-e ."]
    assert len(PINS) == sum("==" in line.split("#")[0] for line in LINES), "a name is pinned twice"


@pytest.mark.parametrize("requirement", NEEDED, ids=lambda requirement: requirement.name)
def test_the_pin_is_within_the_range(requirement):
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_pre_commit_runs_the_pinned_ruff():
    revisions = {repo["repo"].rsplit("/", 1)[-1]: repo.get("rev") for repo in HOOKS}
    assert revisions["ruff-pre-commit"] == f"v{PINS['ruff']}"


def test_pre_commit_runs_the_pinned_mypy():
    [hook] = [hook for repo in HOOKS for hook in repo["hooks"] if hook["id"] == "mypy"]
    # The one in .venv, which requirements.txt filled, and which sees the same libraries.
    assert (hook["entry"], hook["language"]) == (".venv/bin/mypy", "system")
