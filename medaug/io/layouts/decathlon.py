"""The Decathlon layout: ``dataset.json`` lists the image and the label of each case."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from medaug.io.cases import DatasetFiles
from medaug.io.layouts.dataset_json import (
    DATASET_JSON,
    ListedLabels,
    channel_names,
    label_names,
    listed_file,
    load_json,
    parse,
)
from medaug.io.layouts.listing import Listing
from medaug.io.layouts.naming import case_name
from medaug.io.layouts.rules import LayoutRules

_DESCRIBED = "a Decathlon data set lists `training`, pairs of image and label, and `labels`"


class _Entry(BaseModel):
    image: str
    label: str


class _DecathlonJson(BaseModel):
    name: str | None = None
    training: list[_Entry]
    test: list[str] = []
    labels: ListedLabels = Field(min_length=2)
    modality: dict[str, str] | None = None


def find_decathlon(root: Path, rules: LayoutRules) -> DatasetFiles:
    """List the cases of a Decathlon folder; those under ``test`` have no label.

    Raises
    ------
    InputError
        If ``dataset.json`` is missing or malformed.
    """
    path = root / DATASET_JSON
    content = parse(path, load_json(path), _DecathlonJson, _DESCRIBED)
    labels = label_names(path, content.labels)
    listing = Listing(root, rules)
    for index, entry in enumerate(content.training):
        files = {key: listed_file(root, getattr(entry, key)) for key in ("image", "label")}
        name = case_name(files["image"])
        missing = [(key, file) for key, file in files.items() if not file.is_file()]
        for key, file in missing:
            listing.report(
                path,
                f"key training.{index}.{key} lists {file}, which does not exist; restore the file "
                "or remove the entry.",
                case=name,
            )
        if not missing:
            listing.add(name, [files["image"]], files["label"])
    _add_test_cases(listing, path, content.test)
    channels = None
    if content.modality is not None:
        channels = channel_names(path, "modality", content.modality)
    return listing.finish("decathlon", name=content.name, labels=labels, channels=channels)


def _add_test_cases(listing: Listing, path: Path, test: list[str]) -> None:
    """Add what is there: the images of the test set are often not kept."""
    images = [listed_file(listing.root, image) for image in test]
    present = [image for image in images if image.is_file()]
    for image in present:
        listing.add(case_name(image), [image], None)
    if len(present) < len(images):
        listing.report(
            path,
            f"key test lists {len(images)} images, of which {len(images) - len(present)} do not "
            "exist; they are left out.",
            severity="note",
        )
