"""The sdist and the wheel hold what they should, and the wheel works without the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY

import medaug

#: Runs a program as where only the wheel is installed: an editable installation puts the repository
#: on the path.
PREAMBLE = f"""
import sys
from importlib.util import find_spec
from pathlib import Path
sys.path = [each for each in sys.path if Path(each or ".").resolve() != Path({str(REPOSITORY)!r})]
assert find_spec("speed") is None and find_spec("conftest") is None
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """The folder of the sdist and the wheel that is made from it: $MEDAUG_DIST, or built now."""
    if "MEDAUG_DIST" in os.environ:
        return Path(os.environ["MEDAUG_DIST"])
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*command, str(REPOSITORY)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist) -> zipfile.ZipFile:
    (path,) = dist.glob("*.whl")
    with zipfile.ZipFile(path) as content:
        yield content


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """The folder that an installation of the wheel would make."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder)
    return folder


def run(site: Path, folder: Path, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program, *arguments],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def medaug_command(site: Path, folder: Path, *arguments: str) -> str:
    return run(site, folder, "from medaug.cli import main; main()", *arguments)


def in_repository(folder: str) -> set[str]:
    """Return the files of a folder of the repository, as paths from there."""
    root = REPOSITORY / folder
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_is_the_package_and_the_configurations_and_nothing_else(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = {f"medaug/{name}" for name in in_repository("medaug")}
    expected |= {f"medaug/_configs/{name}" for name in in_repository("configs")}
    assert names == expected
    assert "medaug/py.typed" in names
    assert sum(name.endswith(".jinja") for name in names) >= 4
    assert "medaug/_configs/policies/default.yaml" in names


def test_the_wheel_brings_the_licence_and_the_command(wheel):
    (information,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert information == f"medaug-{medaug.__version__}.dist-info"
    assert f"{information}/licenses/LICENSE" in wheel.namelist()
    assert "medaug = medaug.cli:main" in wheel.read(f"{information}/entry_points.txt").decode()


def test_the_sdist_has_what_makes_and_tests_the_wheel(dist):
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as content:
        names = {name.partition("/")[2] for name in content.getnames()}
    for folder in ("medaug", "configs"):
        assert {f"{folder}/{name}" for name in in_repository(folder)} <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"} <= names
    assert {"Makefile", "constraints.txt", "tests/conftest.py"} <= names
    for name in names:
        assert not name.startswith((".venv", ".github", ".ci", "runs", "build", "dist")), name
        assert not name.endswith((".pyc", ".nbi", ".nbc")), name


def test_the_wheel_says_its_version(site, tmp_path):
    assert medaug_command(site, tmp_path, "--version") == f"medaug {medaug.__version__}\n"


def test_every_shipped_configuration_loads_from_the_wheel(site, tmp_path):
    program = """
import medaug.transforms
from medaug.benchmark import load_config as load_benchmark
from medaug.benchmark.search import load_search
from medaug.policy import load_policy
from medaug.preprocessing.config import load_config
from medaug.resources import configs_dir, shipped_names

assert Path(medaug.__file__).parent.parent == Path(sys.argv[1])
assert configs_dir() == Path(sys.argv[1], "medaug", "_configs")
for kind, load in {
    "benchmarks": load_benchmark, "policies": load_policy,
    "preprocessing": load_config, "searches": load_search,
}.items():
    for name in shipped_names(kind):
        load(name)
        print(f"{kind}/{name}.yaml")
"""
    loaded = set(run(site, tmp_path, program, str(site)).split())
    kinds = ("benchmarks", "policies", "preprocessing", "searches")
    assert loaded == {name for name in in_repository("configs") if name.startswith(kinds)}


def test_a_benchmark_runs_from_the_wheel(site, tmp_path):
    arguments = ["--quick", "--arms", "none,flip", "--steps", "1", "--out", "out"]
    shown = medaug_command(site, tmp_path, "benchmark", *arguments)
    assert "Report: out/report.html" in shown.replace("\\", "/")
    assert (tmp_path / "out" / "report.html").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_other_pages_are_made_from_the_wheel(site, tmp_path):
    arguments = ["--policy", "flip", "--copies", "1", "--out", "preview.html"]
    program = """
import nibabel, numpy
nibabel.save(nibabel.Nifti1Image(numpy.eye(12, dtype="f4")[None] + numpy.zeros((12, 1, 1), "f4"),
             numpy.eye(4)), "scan.nii.gz")
from medaug.cli import main
main()
"""
    assert "preview.html" in run(site, tmp_path, program, "preview", "scan.nii.gz", *arguments)
    assert "<html" in (tmp_path / "preview.html").read_text(encoding="utf-8")


def test_every_yaml_file_of_the_configurations_is_yaml(wheel):
    names = [name for name in wheel.namelist() if name.endswith(".yaml")]
    assert names
    for name in names:
        assert yaml.safe_load(wheel.read(name)) is not None or name.endswith("none.yaml"), name
