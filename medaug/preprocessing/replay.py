"""Making an augmented copy again from its record, and comparing the two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medaug.errors import InputError
from medaug.io.cases import CaseFiles
from medaug.policy import build_policy
from medaug.preprocessing.augmentation import read_pair, remake_copy
from medaug.preprocessing.copy_files import copy_name, hash_pair, make_folders, write_copy
from medaug.preprocessing.records import (
    CopyRecord,
    current_versions,
    describe_source,
    read_record,
)
from medaug.typing import StrPath


@dataclass(frozen=True)
class Replayed:
    """A copy that was made again.

    Attributes
    ----------
    name : str
        Of the copy.
    differences : tuple of str
        In what it is not the recorded one, in words; empty if it is identical.
    files : tuple of Path
        What was written.
    """

    name: str
    differences: tuple[str, ...]
    files: tuple[Path, ...]


def replay(
    record_file: StrPath,
    *,
    out: StrPath | None = None,
    source: StrPath | None = None,
    trust: bool = False,
) -> Replayed:
    """Make a copy again from what was drawn, and compare it with the recorded checksums.

    Nothing is drawn anew, but by transforms that are not medaug's: they are seeded as they were.

    Parameters
    ----------
    record_file : path
        That `augment_folder` has written.
    out : path, optional
        Folder that gets the copy.
    source : path, optional
        Folder of the data set; the recorded one unless given.
    trust : bool
        The policy in the record may run any code, see `medaug.policy.load_policy`.

    Raises
    ------
    InputError
        If the file is no record, the scan is not there or has changed since, or the policy is
        refused.
    """
    path = Path(record_file)
    record = read_record(path)
    root = Path(record.root if source is None else source)
    case = _unchanged_case(record, root)
    recipe = record.recipe
    policy = build_policy(
        recipe.policy, f"{path}: policy", spatial_size=recipe.spatial_size, trust=trust
    )
    if len(policy.transforms) != len(record.drawn):
        raise InputError(
            f"{path}: is damaged; it has {len(record.drawn)} draws of "
            f"{len(policy.transforms)} transforms"
        )
    copy = remake_copy(policy, read_pair(case, recipe.geometry), record.drawn)
    name, found = copy_name(record.case, record.number), hash_pair(copy)
    differences = [
        f"the {array} is another" for array, sha in record.arrays.items() if found[array] != sha
    ]
    if differences:
        differences += _other_versions(record)
    files: tuple[Path, ...] = ()
    if out is not None:
        make_folders(Path(out), "imagesTr", "labelsTr")
        files = tuple(Path(out) / file for file in write_copy(Path(out), name, copy))
    return Replayed(name, tuple(differences), files)


def _unchanged_case(record: CopyRecord, root: Path) -> CaseFiles:
    """Return the files of the case, all of them as they were."""
    for scan in (*record.image, record.label):
        files = scan.files_in(root)
        if describe_source(files, root).sha256 != scan.sha256:
            raise InputError(
                f"{files.path}: has changed since the copy was made; "
                "name the folder of the original data set as --source"
            )
    images = tuple(scan.files_in(root) for scan in record.image)
    return CaseFiles(record.case, images, record.label.files_in(root), record.case)


def _other_versions(record: CopyRecord) -> list[str]:
    here = current_versions()
    return [
        f"{name} was {was}, here it is {here.get(name, 'missing')}"
        for name, was in record.versions.items()
        if here.get(name) != was
    ]
