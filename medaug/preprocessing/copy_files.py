"""The files of augmented copies, named as those of preprocessed cases are."""

from __future__ import annotations

from pathlib import Path

from medaug.errors import InputError
from medaug.io.checksums import sha256_of
from medaug.io.volume import write_volume
from medaug.preprocessing.augmentation import Pair
from medaug.preprocessing.output import image_file, label_file
from medaug.preprocessing.records import ArrayName, hash_array

#: The folder of the records.
RECORDS = "records"


def copy_name(case: str, number: int) -> str:
    """Return the name of a copy, such as ``case_7_copy001``."""
    return f"{case}_copy{number:03d}"


def make_folders(out: Path, *names: str) -> None:
    """Make folders in ``out``, and that itself, where they are missing.

    Raises
    ------
    InputError
        If one cannot be made.
    """
    try:
        for name in names:
            (out / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror})") from error


def write_copy(out: Path, name: str, copy: Pair) -> dict[str, str]:
    """Write a copy and return the SHA-256 of each file by its name below ``out``."""
    files = {
        image_file(name, channel, labelled=True): copy.image[channel : channel + 1]
        for channel in range(len(copy.image))
    }
    files[label_file(name)] = copy.label
    for file, voxels in files.items():
        write_volume(out / file, voxels, copy.affine)
    return {file: sha256_of(out / file) for file in files}


def hash_pair(pair: Pair) -> dict[ArrayName, str]:
    """Return the checksums of the arrays of a copy."""
    return {
        "image": hash_array(pair.image),
        "label": hash_array(pair.label),
        "affine": hash_array(pair.affine),
    }
