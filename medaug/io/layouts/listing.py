"""Collect the cases of a data set, and what is wrong with their files, while they are found."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medaug.io.cases import CaseFiles, DatasetFiles, ScanFiles
from medaug.io.layouts.naming import is_scan_name, natural_key, patient_of
from medaug.io.layouts.rules import LayoutRules
from medaug.io.problems import Problem, Severity


@dataclass
class Listing:
    """The cases and problems that a layout has found so far.

    A case for which an error is reported, sooner or later, is not in the result.

    Attributes
    ----------
    root : Path
        The data set folder.
    rules : LayoutRules
    """

    root: Path
    rules: LayoutRules
    _cases: list[CaseFiles] = field(default_factory=list)
    _problems: list[Problem] = field(default_factory=list)
    _spoiled: set[str] = field(default_factory=set)

    def report(
        self, file: Path, problem: str, *, case: str = "", severity: Severity = "error"
    ) -> None:
        """Note a problem of a file; `problem` is the rest of the line that starts with the file."""
        self._problems.append(Problem(severity, file, f"{file}: {problem}", case))
        if severity == "error":
            self._spoiled.add(case)

    def one_each(self, found: Mapping[str, Sequence[Path]]) -> dict[str, Path]:
        """Return case to file; cases of several files, where there should be one, are reported."""
        for name, files in found.items():
            if len(files) > 1:
                self.report(
                    files[1],
                    f"{files[0]} is of the same case, {name}; remove or rename one of them.",
                    case=name,
                )
        return {name: files[0] for name, files in found.items()}

    def report_without_image(
        self, labels: Mapping[str, Path], images: Collection[str], expected_image: str
    ) -> None:
        """Report the labels, by case, of cases that no images were found for.

        Parameters
        ----------
        labels : dict of str to Path
        images : collection of str
            The cases that have images.
        expected_image : str
            Where the image should be, with ``{case}`` for the name of the case.
        """
        for name in sorted(labels.keys() - set(images), key=natural_key):
            expected = expected_image.replace("{case}", name)
            self.report(
                labels[name],
                f"no image for it: {expected} is missing; add it or remove this label.",
                case=name,
            )

    def add(
        self,
        name: str,
        images: Sequence[Path],
        label: Path | None,
        *,
        patient: str | None = None,
        expected_label: str = "",
    ) -> None:
        """Add a case.

        Parameters
        ----------
        name : str
        images : sequence of Path
        label : Path or None
        patient : str or None, default: None
            What the layout says; None: the name of the case.
        expected_label : str, default: ""
            Where its label should be, to report if `label` is None; empty for a case that needs
            none, such as a test case.
        """
        for file in (*images, *([] if label is None else [label])):
            self._check(file, name)
        if label is None and expected_label and name not in self._spoiled:
            message = (
                f"{images[0]}: no label for it: {expected_label} is missing; add it or remove this "
                "image."
            )
            self._problems.append(Problem("error", images[0], message, name, "no_label"))
        self._cases.append(
            CaseFiles(
                name,
                tuple(ScanFiles(image) for image in images),
                None if label is None else ScanFiles(label),
                patient_of(name, self.rules, patient),
            )
        )

    def _check(self, file: Path, case: str) -> None:
        """Report a link that leads nowhere, or out of the folder."""
        target = file.resolve()
        if not file.exists():
            self.report(
                file, f"a link to {target}, which does not exist; put the file there.", case=case
            )
        elif not (self.rules.follow_links or target.is_relative_to(self.root.resolve())):
            self.report(
                file,
                f"leads out of the data set's folder, to {target}; put the file itself there, or "
                "set `follow_links: true` under `layout` in the configuration.",
                case=case,
            )

    def finish(
        self,
        layout: str,
        *,
        name: str | None = None,
        labels: Mapping[int, str] | None = None,
        channels: Sequence[str] | None = None,
    ) -> DatasetFiles:
        """Return what was found, in natural order; cases of one name are reported, not returned."""
        first: dict[str, CaseFiles] = {}
        for case in self._cases:
            other = first.setdefault(case.name, case)
            if other is not case:
                file, same = case.images[0].path, other.images[0].path
                problem = (
                    f"its case is called {case.name}, as that of {same}; rename or remove one."
                )
                if file == same:
                    problem = "it is listed twice; remove one of the entries."
                self.report(file, problem, case=case.name)
        good = [case for name, case in first.items() if name not in self._spoiled]
        ordered = sorted(good, key=lambda case: natural_key(case.name))
        self._report_patients(ordered)
        return DatasetFiles(
            name or self.root.resolve().name,
            self.root,
            layout,
            tuple(ordered),
            None if labels is None else dict(labels),
            None if channels is None else tuple(channels),
            tuple(self._problems),
        )

    def _report_patients(self, cases: Sequence[CaseFiles]) -> None:
        scans: dict[str, list[str]] = defaultdict(list)
        for case in cases:
            scans[case.patient].append(case.name)
        for patient, names in scans.items():
            if len(names) > 1:
                self.report(
                    self.root,
                    f"{len(names)} scans are of patient {patient} ({', '.join(names)}); keep them "
                    "in one fold.",
                    severity="note",
                )


def visible_entries(folder: Path) -> list[Path]:
    """Return what is in a folder, in order, but for hidden files, which some systems scatter."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def scans_in(folder: Path) -> list[Path]:
    """Return the visible files in a folder whose endings are those of scans, in order."""
    return [path for path in visible_entries(folder) if is_scan_name(path) and not path.is_dir()]


def visible_folders(folder: Path) -> list[Path]:
    """Return the visible folders in a folder, in order."""
    return [path for path in visible_entries(folder) if path.is_dir()]


def walk_visible(root: Path) -> Iterator[Path]:
    """Yield the visible files below a folder, in order, also through links to folders."""
    above: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=_raise):
        # A link to a folder above itself would be walked for ever.
        above.add(os.path.realpath(folder))
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(Path(folder) / name) not in above
        )
        yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))


def _raise(error: OSError) -> None:
    """Make `os.walk` report what it would pass over in silence."""
    raise error
