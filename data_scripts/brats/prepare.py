"""Make a flat folder of BraTS training cases from the challenge's archive or folders.

    python data_scripts/brats/prepare.py SOURCE --out DIR

SOURCE is a .zip, .tar or .tar.gz archive, or a folder; the cases may lie in HGG and LGG or side by
side. Each becomes DIR/CASE with its four modalities and its segmentation.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from medaug.errors import InputError
from medaug.io.archives import unpack
from medaug.io.cases import CaseFiles
from medaug.io.folders import new_folder
from medaug.io.layouts import find_dataset
from medaug.io.layouts.rules import LayoutRules

MODALITIES = 4
GRADES = ("HGG", "LGG")


def prepare(source: Path, out: Path) -> dict[str, str]:
    """Copy the cases of a folder, or unpack those of an archive.

    Parameters
    ----------
    source : Path
        The folder or the archive. It is left as it is.
    out : Path
        The folder to make. If the grades are known it also gets ``grades.csv``.

    Returns
    -------
    dict of str to str
        The grade of each case, HGG or LGG; empty where the folders do not say.

    Raises
    ------
    InputError
        If the source is missing, damaged or without cases, if a file of a case is missing or is a
        link out of the source, or if two cases have one name. Nothing is left then.
    """
    if not source.exists():
        raise InputError(f"{source}: no such folder or archive; check the path.")
    with new_folder(out) as folder:
        place: Callable[[Path, Path], object] = shutil.copyfile
        root, unpacked = source, folder / ".archive"
        if not source.is_dir():
            unpack(source, unpacked, strip_top=True)
            root, place = unpacked, Path.replace
        cases = _find_cases(root, source)
        grades = {case.name: _grade(case) for case in cases}
        for case in cases:
            _place(case, folder / case.name, place)
        shutil.rmtree(unpacked, ignore_errors=True)
        _write_grades(folder / "grades.csv", grades)
    return grades


def _find_cases(root: Path, source: Path) -> Sequence[CaseFiles]:
    """Return the cases, all of them complete; messages name the source instead of the root."""
    try:
        dataset = find_dataset(root, LayoutRules(kind="brats"))
    except InputError as error:
        raise InputError(str(error).replace(str(root), str(source))) from None
    channels = dataset.channels or ()
    if len(channels) != MODALITIES:
        raise InputError(
            f"{source}: the cases have the modalities {', '.join(channels)}, but those of BraTS "
            f"have {MODALITIES}; complete them."
        )
    return dataset.cases


def _grade(case: CaseFiles) -> str:
    grade = case.images[0].path.parent.parent.name.upper()
    return grade if grade in GRADES else ""


def _place(case: CaseFiles, folder: Path, place: Callable[[Path, Path], object]) -> None:
    folder.mkdir()
    scans = case.images if case.label is None else (*case.images, case.label)
    for scan in scans:
        place(scan.path, folder / scan.path.name)


def _write_grades(path: Path, grades: dict[str, str]) -> None:
    if not any(grades.values()):
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "grade"])
        writer.writerows(grades.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script and return its exit code: 2 for input that the user can mend."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="archive or folder of the challenge")
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    options = parser.parse_args(arguments)
    try:
        grades = prepare(options.source, options.out)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(grades)} cases")
    for grade, count in sorted(Counter(grades.values()).items()):
        print(f"  {grade or 'grade unknown'}  {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
