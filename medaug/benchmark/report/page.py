"""The report of a benchmark: one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from medaug.benchmark.report import figures, summary
from medaug.benchmark.results import Example, Results
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES
from medaug.inline_svg import to_inline_svg
from medaug.io.files import dump_json, write_atomically
from medaug.pages import render_page
from medaug.typing import StrPath

_LONGEST_ON_A_LINE = 60


@dataclass(frozen=True)
class _Picture:
    """A picture of the page: an SVG element or the address of a PNG, and what it shows."""

    content: str
    label: str


def write_report(
    results: Results, comparison: pd.DataFrame, examples: Sequence[Example], path: StrPath
) -> None:
    """Write the report, whole or not at all.

    Parameters
    ----------
    results : Results
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms` on the cases of `results`.
    examples : sequence of Example
        A row of pictures each; none leaves the section out.
    path : path
        The HTML file.
    """
    page = render_page(
        "medaug.benchmark.report",
        "report.html.jinja",
        name=results.name,
        arm_colours=figures.arm_colours(results.arms),
        class_colours=figures.class_colours(results.classes),
        paired=_paired_pictures(results, comparison),
        curves=_curve_pictures(results),
        examples=[_example_row(example, results) for example in examples],
        design=_design(results),
        seconds=_seconds(results),
        **_answer(results, comparison),
        **_provenance(results.provenance),
    )
    write_atomically(path, page)


def _answer(results: Results, comparison: pd.DataFrame) -> dict[str, Any]:
    """Return the sentence, the tables and what they rest on."""
    columns, rows = summary.summary_cells(comparison)
    confidence = comparison["confidence"].iloc[0]
    return {
        "headline": summary.headline(comparison),
        "columns": columns,
        "rows": rows,
        "details": _details(comparison),
        "interval": summary.format_confidence(confidence),
        "significance": f"{summary.significance(confidence):g}",
        "n_resamples": f"{comparison['n_resamples'].iloc[0]:,}",
        "left_out": _left_out(results, comparison),
    }


def _details(comparison: pd.DataFrame) -> list[list[str]]:
    """Return the cells of the full comparison: each arm and class."""
    return [
        [
            row["arm"],
            row["class"],
            str(row["n_cases"]),
            summary.format_dice(row["dice"]),
            summary.format_difference(row["difference"]),
            summary.format_interval(row["ci_low"], row["ci_high"]),
            summary.format_p(row["p_value"]),
            summary.format_p(row["p_holm"]),
        ]
        for row in comparison.to_dict("records")
    ]


def _left_out(results: Results, comparison: pd.DataFrame) -> list[str]:
    """Return, for each class that some cases lack, how many cases were left out."""
    n_cases = results.cases["case"].nunique()
    compared = comparison.groupby("class", sort=False)["n_cases"].first()
    return [
        f"{name}: {n_cases - count} of {summary.format_cases(n_cases)}"
        for name, count in compared.items()
        if count < n_cases
    ]


def _design(results: Results) -> list[tuple[str, str]]:
    """Return the facts of the experiment, counted from the results themselves."""
    train_sizes = results.train_cases.groupby(["fold", "seed"])["case"].nunique()
    tested = results.cases.drop_duplicates(["arm", "fold", "seed", "case"])
    last_steps = results.losses.groupby(["arm", "fold", "seed"])["step"].max()
    seconds = results.seconds
    return [
        ("arms", ", ".join(results.arms)),
        ("reference", results.arms[0]),
        ("folds", _listed(seconds["fold"])),
        ("seeds", _listed(seconds["seed"])),
        ("training runs", str(len(seconds))),
        ("test cases", str(results.cases["case"].nunique())),
        ("runs that test a case, in each arm", _span(tested.groupby(["arm", "case"]).size())),
        ("training cases of a run", _span(train_sizes)),
        (
            "last optimiser step",
            _span(last_steps),
        ),
    ]


def _seconds(results: Results) -> tuple[list[str], list[list[str]]]:
    """Return the headings and rows of the table of mean durations, an arm a row."""
    means = results.seconds.drop(columns=["fold", "seed"]).groupby("arm", sort=False).mean()
    columns = ["arm", *(str(name).replace("_", " ") for name in means.columns)]
    rows = [[str(arm), *(f"{value:.3g}" for value in row)] for arm, row in means.iterrows()]
    return columns, rows


def _listed(values: pd.Series[int]) -> str:
    return ", ".join(str(value) for value in sorted(values.unique()))


def _span(values: pd.Series[int]) -> str:
    """Return the one value that all have, or the lowest and the highest."""
    low, high = values.min(), values.max()
    return f"{low}" if low == high else f"{low} to {high}"


def _paired_pictures(results: Results, comparison: pd.DataFrame) -> list[_Picture]:
    if len(results.arms) == 1:
        return []
    return [
        _svg(
            figures.paired_figure(results, comparison, [name]),
            f"paired-{index}",
            f"Difference of each case's Dice to {results.arms[0]}: "
            f"{'mean of the classes' if name == MEAN_OF_CLASSES else name}",
        )
        for index, name in enumerate([MEAN_OF_CLASSES, *results.classes])
    ]


def _curve_pictures(results: Results) -> list[_Picture]:
    pictures = []
    if not results.losses.empty:
        figure = figures.loss_figure(results)
        pictures.append(_svg(figure, "loss", "Training loss of each arm"))
    if not results.monitor.empty:
        figure = figures.monitor_figure(results)
        pictures.append(_svg(figure, "monitor", "Dice of each arm on a few held-out cases"))
    return pictures


def _svg(figure: Figure, prefix: str, label: str) -> _Picture:
    return _Picture(Markup(to_inline_svg(figure, prefix)), label)


def _example_row(example: Example, results: Results) -> dict[str, Any]:
    """Return one case's pictures: the image, the truth, and what each arm made of it."""
    image, truth, n_classes = example.image, example.truth, len(results.classes)
    pictures = [
        _png(figures.example_png(image, n_classes=n_classes), "image"),
        _png(figures.example_png(image, truth, n_classes=n_classes), "truth"),
    ]
    for arm in results.arms:
        drawn = figures.example_png(image, example.predictions[arm], truth, n_classes=n_classes)
        pictures.append(_png(drawn, f"{arm}: {summary.format_dice(example.dice[arm])}"))
    return {
        "case": example.case,
        "run": f"fold {example.fold}, seed {example.seed}",
        "pictures": pictures,
    }


def _png(data: bytes, label: str) -> _Picture:
    return _Picture(f"data:image/png;base64,{base64.b64encode(data).decode()}", label)


def _provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration's plain settings, and everything in full."""
    plain = {title: value for title, value in provenance.items() if _is_plain(value)}
    sections = {title: value for title, value in provenance.items() if title not in plain}
    return {
        "settings": _facts(provenance.get("configuration", {})),
        "quick": provenance.get("quick", False),
        "provenance": [("run", _facts(plain), [])]
        + [(title, _facts(value), _texts(value)) for title, value in sections.items()],
    }


def _facts(section: Any) -> list[tuple[str, str]]:
    """Return the entries of a section that fit on a line."""
    if not isinstance(section, Mapping):
        return []
    return [(key, _text(value)) for key, value in section.items() if _is_plain(value)]


def _texts(section: Any) -> list[tuple[str, str]]:
    """Return the entries of a section that need a block of their own."""
    blocks = section if isinstance(section, Mapping) else {"": section}
    return [
        (name, value if isinstance(value, str) else dump_json(value))
        for name, value in blocks.items()
        if not _is_plain(value)
    ]


def _is_plain(value: Any) -> bool:
    """Whether a value fits on a line: a scalar, a short text or a list of scalars."""
    if isinstance(value, str):
        return "\n" not in value and len(value) <= _LONGEST_ON_A_LINE
    if isinstance(value, list | tuple):
        return not any(isinstance(item, Mapping | list | tuple) for item in value)
    return not isinstance(value, Mapping)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not set" if value is None else str(value)
