"""A few test cases to look at: which are chosen, and their slices as a file of the benchmark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.report.compared import in_comparison
from medaug.benchmark.results import Results
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.store import RunStore
from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically
from medaug.typing import AnyArray, StrPath

#: So many arms are shown of each case.
MAX_ARMS = 5

_FACTS = "facts"

_Masks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """A case that is shown, and why.

    Attributes
    ----------
    case : str
        Its name.
    reasons : tuple of str
        Such as "largest gain of flip".
    fold, seed : int
        The run whose segmentations are shown.
    """

    case: str
    reasons: tuple[str, ...]
    fold: int
    seed: int


@dataclass(frozen=True, eq=False)
class Example:
    """One slice of a test case, across the last axis.

    Attributes
    ----------
    choice : Choice
        Which case, and why.
    plane : int
        Number of the slice, from 0.
    spacing_mm : tuple of 2 float
        Distance of voxels along the axes of the slice.
    dice : dict of arm to float
        Mean Dice of the whole case in the run that is shown.
    image : float array [I, J]
        The first channel.
    truth : bool array [R, I, J]
        A mask for each region.
    predictions : dict of arm to bool array [R, I, J]
        The same for what each arm segmented.
    """

    choice: Choice
    plane: int
    spacing_mm: tuple[float, float]
    dice: dict[str, float]
    image: AnyArray
    truth: _Masks
    predictions: dict[str, _Masks]


def choose_cases(results: Results) -> list[Choice]:
    """Choose the cases that are shown, by a rule that leaves no choice.

    The best arm is the one with the highest mean Dice at the main size, the reference aside. Shown
    are the cases of its largest gain and of its largest loss against the reference, its case of
    the lowest Dice and the one of the median Dice. A case's Dice is averaged over the runs that
    tested it; segmentations are of the first of these runs.
    """
    scores = in_comparison(results, results.scores, results.main_size)
    table = _dice_of_cases(scores)
    if table.empty:
        return []
    best = _by_dice(table)[0]
    dice = table[best].sort_values(kind="stable")
    picked = [
        (f"lowest Dice of {best}", dice.index[0]),
        (f"median Dice of {best}", dice.index[(len(dice) - 1) // 2]),
    ]
    if best != table.columns[0]:
        gain = table[best] - table.iloc[:, 0]
        picked = [
            (f"largest gain of {best}", gain.idxmax()),
            (
                f"largest loss of {best}" if gain.min() < 0 else f"smallest gain of {best}",
                gain.idxmin(),
            ),
            *picked,
        ]
    reasons: dict[str, list[str]] = {}
    for reason, case in picked:
        reasons.setdefault(str(case), []).append(reason)
    return [_choice(case, why, scores) for case, why in reasons.items()]


def _choice(case: str, reasons: Sequence[str], scores: pd.DataFrame) -> Choice:
    first = scores[scores["case"] == case].sort_values(["seed", "fold"]).to_dict("records")[0]
    return Choice(case, tuple(reasons), int(first["fold"]), int(first["seed"]))


def shown_arms(results: Results) -> list[str]:
    """Return the arms that are shown: the reference and those of the highest mean Dice."""
    table = _dice_of_cases(in_comparison(results, results.scores, results.main_size))
    if len(table.columns) < 2:
        return list(table.columns)
    chosen = {str(table.columns[0]), *_by_dice(table)[: MAX_ARMS - 1]}
    return [arm for arm in table.columns if arm in chosen]


def save_examples(experiment: Experiment, store: RunStore, results: Results, path: StrPath) -> None:
    """Write slices of the chosen cases to a file, so that a report can be made without the data.

    Parameters
    ----------
    experiment : Experiment
        The benchmark.
    store : RunStore
        Its finished runs.
    results : Results
        All of them together.
    path : path
        The ``.npz`` file.
    """
    cases = {case.name: case for case in experiment.case_set.cases}
    size = next(size for size in experiment.sizes if str(size) == results.main_size)
    examples = []
    for choice in choose_cases(results):
        predictions = {
            arm: store.prediction(RunKey(arm, size, choice.fold, choice.seed), choice.case)
            for arm in shown_arms(results)
        }
        dice = _dice_of_run(results, choice)
        examples.append(_example(choice, cases[choice.case], experiment.regions, predictions, dice))
    write_examples(examples, path)


def write_examples(examples: Sequence[Example], path: StrPath) -> None:
    """Write examples to a file, whole or not at all."""
    arrays: dict[str, AnyArray] = {}
    facts = []
    for number, example in enumerate(examples):
        facts.append(
            asdict(example.choice)
            | {
                "plane": example.plane,
                "spacing_mm": example.spacing_mm,
                "dice": example.dice,
                "arms": list(example.predictions),
            }
        )
        arrays[f"image{number}"] = example.image.astype(np.float32)
        arrays[f"truth{number}"] = example.truth
        arrays[f"predictions{number}"] = np.stack(list(example.predictions.values()))
    buffer = BytesIO()
    arrays[_FACTS] = np.array(dump_json(facts, indent=None))
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getvalue())


def load_examples(path: StrPath) -> list[Example]:
    """Read the examples that `write_examples` wrote; none if there is no such file.

    Raises
    ------
    InputError
        If the file holds something else.
    """
    if not Path(path).exists():
        return []
    try:
        with np.load(path, allow_pickle=False) as archive:
            facts = json.loads(str(archive[_FACTS]))
            return [_read(archive, number, fact) for number, fact in enumerate(facts)]
    except (BadZipFile, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not hold the examples of a benchmark. Delete it to make the report "
            "without them."
        ) from error


def _read(archive: np.lib.npyio.NpzFile, number: int, fact: dict[str, Any]) -> Example:
    predictions = archive[f"predictions{number}"]
    return Example(
        Choice(fact["case"], tuple(fact["reasons"]), fact["fold"], fact["seed"]),
        fact["plane"],
        tuple(fact["spacing_mm"]),
        {arm: np.nan if dice is None else dice for arm, dice in fact["dice"].items()},
        archive[f"image{number}"],
        archive[f"truth{number}"],
        dict(zip(fact["arms"], predictions, strict=True)),
    )


def _example(
    choice: Choice,
    case: Case,
    regions: Sequence[Region],
    predictions: dict[str, npt.NDArray[np.uint8]],
    dice: dict[str, float],
) -> Example:
    """Return the slice with the most true foreground, or the most predicted if there is none."""
    truth = np.stack([region.mask(case.label[0]) for region in regions])
    masks = {
        arm: np.stack([region.mask(volume) for region in regions])
        for arm, volume in predictions.items()
    }
    found = truth if truth.any() else sum(masks.values(), start=truth)
    plane = int(np.count_nonzero(found.any(axis=0), axis=(0, 1)).argmax())
    return Example(
        choice,
        plane,
        case.spacing_mm[:2],
        {arm: dice[arm] for arm in predictions},
        case.image[0, :, :, plane],
        truth[..., plane],
        {arm: mask[..., plane] for arm, mask in masks.items()},
    )


def _dice_of_run(results: Results, choice: Choice) -> dict[str, float]:
    scores = results.scores
    chosen = scores[
        (scores["train_cases"] == results.main_size)
        & (scores["fold"] == choice.fold)
        & (scores["seed"] == choice.seed)
        & (scores["case"] == choice.case)
    ]
    means = chosen.groupby("arm")["dice"].mean()
    return {str(arm): float(dice) for arm, dice in means.items()}


def _dice_of_cases(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the mean Dice of each case (rows) and arm; cases without any are left out."""
    arms = scores["arm"].unique()
    means = scores.groupby(["case", "arm"], sort=False)["dice"].mean()
    return means.unstack("arm").reindex(columns=arms).dropna()


def _by_dice(table: pd.DataFrame) -> list[str]:
    """Return the arms but the reference, best first; the reference if it is alone."""
    means = table.mean()
    others = means.iloc[1:] if len(means) > 1 else means
    return [str(arm) for arm in others.sort_values(ascending=False, kind="stable").index]
