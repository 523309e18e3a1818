"""The workflows call the make targets that a developer calls, on the Pythons of the metadata."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((REPOSITORY / ".github" / "actions").glob("*/action.yml"))
TARGETS = set(
    re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


def load(path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}  # YAML 1.1


def targets_of(workflow: dict[str, Any]) -> set[str]:
    """Return the targets that are made, those of a matrix spelt out."""
    found = set()
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            for target in re.findall(r"make (\S+|\$\{\{ matrix\.\w+ \}\})", step.get("run", "")):
                found |= set(job["strategy"]["matrix"]["target"]) if "{" in target else {target}
    return found


CI = load(REPOSITORY / ".github" / "workflows" / "ci.yml")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_of_a_workflow_exists(path):
    assert targets_of(load(path))
    assert targets_of(load(path)) <= TARGETS


def test_continuous_integration_makes_all_that_can_fail():
    assert targets_of(CI) == {"test", "check", "docs", "build", "benchmark"}
    local = re.findall(r"^make (\w+)", (REPOSITORY / ".ci" / "run").read_text(), re.MULTILINE)
    assert {"test", "check"} <= set(local) <= TARGETS


def test_the_matrix_is_every_python_of_the_metadata_on_three_systems():
    matrix = CI["jobs"]["test"]["strategy"]["matrix"]
    classifiers = metadata("medaug").get_all("Classifier")
    promised = [each.rpartition(" ")[2] for each in classifiers if re.search(r":: 3\.\d+$", each)]
    assert matrix["python"] == promised
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.parent.name)
def test_what_others_wrote_is_pinned(path):
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    for action in used:
        if action.startswith("./"):
            assert (REPOSITORY / action / "action.yml").is_file()
        else:
            assert re.search(r"@(v\d+|release/v\d+)$", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_ends(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert job.get("permissions", {"id-token": "write"}) == {"id-token": "write"}


def test_a_release_is_built_before_it_is_published():
    jobs = load(REPOSITORY / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["publish"]["needs"] == "build"
    assert targets_of({"jobs": {"build": jobs["build"]}}) == {"build"}
