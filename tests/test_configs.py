"""Every file in configs/ is of a kind that is known, and loads as that kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from configparser import ConfigParser as IniParser
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY
from monai.bundle import ConfigParser

from medaug.benchmark.load_config import load_config as load_benchmark
from medaug.benchmark.search.config import load_search
from medaug.policy import load_policy
from medaug.preprocessing.config import load_config as load_preprocessing
from medaug.resources import configs_dir

CONFIGS = configs_dir()
FILES = sorted(path for path in CONFIGS.rglob("*") if path.is_file())


def targets(content: Any) -> Iterator[str]:
    """Yield what ``_target_`` names, at any depth."""
    if isinstance(content, dict):
        if "_target_" in content:
            yield content["_target_"]
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from targets(item)


def load_bundle(path: Path) -> None:
    """Read a configuration as MONAI does, and find all that it names."""
    content = ConfigParser.load_config_file(path)
    assert content
    for name in targets(content):
        assert callable(locate(name)), name  # as MONAI finds it


def load_logging(path: Path) -> None:
    content = IniParser(interpolation=None)
    content.read_string(path.read_text(encoding="utf-8"))
    for kind in ("logger", "handler", "formatter"):
        for name in content[f"{kind}s"]["keys"].split(","):
            assert f"{kind}_{name}" in content


def same_licence(path: Path) -> None:
    assert path.read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def names_every_configuration(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert all(file.name in text for file in (CONFIGS / "bundle" / "configs").glob("*.yaml"))


#: How a file is loaded, by the first pattern that it fits.
LOADERS: dict[str, Callable[[Path], Any]] = {
    "benchmarks/*.yaml": load_benchmark,
    "clusters/*.yaml": lambda path: yaml.safe_load(path.read_text(encoding="utf-8"))["jobqueue"],
    "policies/*.yaml": lambda path: load_policy(path, spatial_size=(32, 32, 32)),
    "preprocessing/*.yaml": load_preprocessing,
    "searches/*.yaml": load_search,
    "bundle/configs/*.yaml": load_bundle,
    "bundle/configs/metadata.json": load_bundle,
    "bundle/configs/logging.conf": load_logging,
    "bundle/docs/README.md": names_every_configuration,
    "bundle/LICENSE": same_licence,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONFIGS).as_posix())
def test_every_file_loads(path: Path):
    relative = path.relative_to(CONFIGS)
    kinds = [pattern for pattern in LOADERS if relative.match(pattern)]
    assert len(kinds) == 1, f"{relative} is of no known kind"
    LOADERS[kinds[0]](path)


def test_every_kind_is_there():
    for pattern in LOADERS:
        assert list(CONFIGS.glob(pattern)), pattern
