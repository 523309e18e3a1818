"""A folder of images and one of labels with equal file names."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from medaug.io.cases import DatasetFiles
from medaug.io.layouts.listing import Listing, scans_in
from medaug.io.layouts.naming import case_name
from medaug.io.layouts.rules import LayoutRules


def is_folders(root: Path) -> bool:
    """Return whether there is a folder of images."""
    return (root / "images").is_dir()


def find_folders(root: Path, rules: LayoutRules) -> DatasetFiles:
    """List the cases of ``images/`` and ``labels/``."""
    listing = Listing(root, rules)
    images, labels = (listing.one_each(_by_case(root / folder)) for folder in ("images", "labels"))
    for name, image in images.items():
        expected = str(root / "labels" / name) + ".*"
        listing.add(name, [image], labels.get(name), expected_label=expected)
    listing.report_without_image(labels, images, f"{root / 'images'}/{{case}}.*")
    return listing.finish("folders")


def _by_case(folder: Path) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = defaultdict(list)
    for path in scans_in(folder):
        files[case_name(path)].append(path)
    return files
