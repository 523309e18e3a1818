"""Download a task of the Medical Segmentation Decathlon, or take its archive, and check it.

    python data_scripts/decathlon/prepare.py Task04_Hippocampus --out DIR [--archive FILE]

makes the folder DIR/Task04_Hippocampus, ready for every command of medaug.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from medaug.errors import InputError
from medaug.io.archives import unpack
from medaug.io.cases import DatasetFiles
from medaug.io.downloads import fetch, verify
from medaug.io.layouts import find_dataset

MIRROR = "https://msd-for-monai.s3-us-west-2.amazonaws.com"


@dataclass(frozen=True)
class Task:
    """What is published of a task.

    Attributes
    ----------
    checksum : str
        Of its archive.
    training, test : int
        Number of scans with and without a label.
    channels : tuple of str
        What each channel of a scan is.
    labels : tuple of str
        Name of each label value from 1 up.
    """

    checksum: str
    training: int
    test: int
    channels: tuple[str, ...]
    labels: tuple[str, ...]


CT, MRI = ("CT",), ("MRI",)
TASKS = {
    "Task01_BrainTumour": Task(
        "md5:240a19d752f0d9e9101544901065d872",
        484,
        266,
        ("FLAIR", "T1w", "t1gd", "T2w"),
        ("edema", "non-enhancing tumor", "enhancing tumour"),
    ),
    "Task02_Heart": Task("md5:06ee59366e1e5124267b774dbd654057", 20, 10, MRI, ("left atrium",)),
    "Task03_Liver": Task("md5:a90ec6c4aa7f6a3d087205e23d4e6397", 131, 70, CT, ("liver", "cancer")),
    "Task04_Hippocampus": Task(
        "md5:9d24dba78a72977dbd1d2e110310f31b", 260, 130, MRI, ("Anterior", "Posterior")
    ),
    "Task05_Prostate": Task(
        "md5:35138f08b1efaef89d7424d2bcc928db", 32, 16, ("T2", "ADC"), ("PZ", "TZ")
    ),
    "Task06_Lung": Task("md5:8afd997733c7fc0432f71255ba4e52dc", 63, 32, CT, ("cancer",)),
    "Task07_Pancreas": Task(
        "md5:4f7080cfca169fa8066d17ce6eb061e4", 281, 139, CT, ("pancreas", "cancer")
    ),
    "Task08_HepaticVessel": Task(
        "md5:641d79e80ec66453921d997fbf12a29c", 303, 140, CT, ("Vessel", "Tumour")
    ),
    "Task09_Spleen": Task("md5:410d4a301da4e5b2f6f86ec3ddba524e", 41, 20, CT, ("spleen",)),
    "Task10_Colon": Task(
        "md5:bad7a188931dc2f6acf72b08eb6202d0", 126, 64, CT, ("colon cancer primaries",)
    ),
}


def prepare(
    name: str,
    task: Task,
    out: Path,
    *,
    url: str,
    archive: Path | None = None,
    verified: bool = True,
) -> Path:
    """Make the folder of a task, unless it is there, and compare it with what is published.

    Parameters
    ----------
    name : str
        Of the task, and of the folder.
    task : Task
        What is published.
    out : Path
        Where the folder goes, and the archive if it is downloaded.
    url : str
        Where the archive is.
    archive : Path, optional
        The archive at hand.
    verified : bool, default: True
        Refuse an archive or a folder that is not the published one. False only prints how the
        folder differs.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the download fails, if the archive is damaged or climbs out of the folder, or if it is
        not the published one.
    """
    folder = out / name
    if not folder.exists():
        if archive is None:
            archive = fetch(url, out / f"{name}.tar", task.checksum)
        elif verified:
            verify(archive, task.checksum)
        _unpack(archive, folder)
    dataset = find_dataset(folder)
    differences = _differences(dataset, task)
    if differences and verified:
        raise InputError(
            f"{folder}: it has {', '.join(differences)}; remove it and prepare it from the "
            "published archive, or pass --no-verify to take it as it is."
        )
    _print(name, dataset, differences)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        row = bar.add_task(f"unpacking {archive.name}")
        unpack(
            archive,
            folder,
            strip_top=True,
            on_member=lambda done, count: bar.update(row, completed=done, total=count),
        )


def _differences(dataset: DatasetFiles, task: Task) -> list[str]:
    training, test = _counts(dataset)
    counts = {
        "training cases": (training, task.training),
        "test scans": (test, task.test),
        "channels": (len(dataset.channels or ()), len(task.channels)),
        "labels": (len(dataset.labels or ()) - 1, len(task.labels)),
    }
    return [
        f"{found} {what} instead of {published}"
        for what, (found, published) in counts.items()
        if found != published
    ]


def _counts(dataset: DatasetFiles) -> tuple[int, int]:
    """Return the number of scans with and without a label."""
    training = sum(case.label is not None for case in dataset.cases)
    return training, len(dataset.cases) - training


def _print(name: str, dataset: DatasetFiles, differences: list[str]) -> None:
    training, test = _counts(dataset)
    labels = ", ".join(f"{value} {label}" for value, label in (dataset.labels or {}).items())
    print(f"{name}: {dataset.root}")
    print(f"  training cases  {training}")
    print(f"  test scans      {test}")
    print(f"  channels        {', '.join(dataset.channels or ())}")
    print(f"  labels          {labels}")
    for difference in differences:
        print(f"  not as published: {difference}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script and return its exit code: 2 for input that the user can mend."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=TASKS, metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--out", type=Path, required=True, help="where the folder of the task goes")
    parser.add_argument("--archive", type=Path, help="the archive, if it is at hand")
    parser.add_argument("--url", help="another place to download the archive from")
    parser.add_argument(
        "--no-verify",
        action="store_true",
        help="take an archive at hand that is not the published one, such as a part of it",
    )
    options = parser.parse_args(arguments)
    try:
        prepare(
            options.task,
            TASKS[options.task],
            options.out,
            url=options.url or f"{MIRROR}/{options.task}.tar",
            archive=options.archive,
            verified=not options.no_verify,
        )
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
