"""Write the embedded phantom, the benchmark's default data, as NIfTI files.

    python data_scripts/phantom/prepare.py --out DIR

makes the folder DIR in the Decathlon layout; `medaug benchmark --data DIR` trains on the same cases
as the built-in phantom.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medaug.benchmark.cases.case_set import Case, CaseSet
from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.errors import InputError
from medaug.io.files import dump_json
from medaug.io.folders import new_folder
from medaug.io.volume import write_volume
from medaug.typing import Matrix

CHANNELS = ("T1", "FLAIR")


def prepare(out: Path) -> CaseSet:
    """Write the cases of the default phantom.

    Parameters
    ----------
    out : Path
        The folder to make.

    Returns
    -------
    CaseSet
        The cases, as the built-in phantom has them.

    Raises
    ------
    InputError
        If the folder holds something or cannot be written.
    """
    with new_folder(out) as folder:
        phantom = make_phantom(PhantomConfig())
        for name in ("imagesTr", "labelsTr"):
            (folder / name).mkdir()
        for case in phantom.cases:
            affine = _affine(case)
            write_volume(folder / "imagesTr" / f"{case.name}.nii.gz", case.image, affine)
            write_volume(folder / "labelsTr" / f"{case.name}.nii.gz", case.label, affine)
        (folder / "dataset.json").write_text(_dataset_json(phantom), encoding="utf-8")
    return phantom


def _affine(case: Case) -> Matrix:
    """Return voxel to world coordinates, with the origin of the world in the middle of the scan."""
    spacing_mm = np.array(case.spacing_mm)
    middle = (np.array(case.label.shape[1:]) - 1) / 2
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -spacing_mm * middle
    return affine


def _dataset_json(phantom: CaseSet) -> str:
    labels = ("background", *phantom.classes)
    files = [f"{case.name}.nii.gz" for case in phantom.cases]
    return dump_json(
        {
            "name": phantom.name,
            "description": "Generated head-like scans with lesions, z-scored",
            "licence": "Apache-2.0",
            "tensorImageSize": "4D",
            "modality": {str(index): name for index, name in enumerate(CHANNELS)},
            "labels": {str(value): name for value, name in enumerate(labels)},
            "numTraining": len(files),
            "numTest": 0,
            "training": [
                {"image": f"./imagesTr/{file}", "label": f"./labelsTr/{file}"} for file in files
            ],
            "test": [],
        }
    )


def describe(phantom: CaseSet) -> str:
    """Return what the README states of the phantom: counts, and a checksum of the labels.

    The checksum covers the voxels of the labels case by case. Those of the images may differ in
    their last bits from one kind of processor to the next.
    """
    labels = [case.label for case in phantom.cases]
    shapes = sorted({label.shape[1:] for label in labels})
    counts = np.bincount(np.concatenate([label.ravel() for label in labels]))
    names = ("background", *phantom.classes)
    digest = hashlib.sha256(b"".join(label.tobytes() for label in labels))
    lines = [
        f"cases           {len(labels)}",
        f"shape           {', '.join(' x '.join(map(str, shape)) for shape in shapes)}",
        f"spacing         {phantom.cases[0].spacing_mm[0]:g} mm",
        f"channels        {', '.join(CHANNELS)}",
        *(f"voxels of {value}     {counts[value]} {name}" for value, name in enumerate(names)),
        f"sha256, labels  {digest.hexdigest()}",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script and return its exit code: 2 for input that the user can mend."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    options = parser.parse_args(arguments)
    try:
        print(describe(prepare(options.out)))
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
