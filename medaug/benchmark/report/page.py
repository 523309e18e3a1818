"""The report of a benchmark: one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from medaug.benchmark.report import pictures, tables
from medaug.benchmark.report.compared import mean_rows
from medaug.benchmark.report.examples import MAX_ARMS, Example
from medaug.benchmark.report.figures.slices import slice_png
from medaug.benchmark.report.figures.style import arm_styles, class_colours
from medaug.benchmark.report.formats import format_confidence, format_score, format_size
from medaug.benchmark.report.gaps import left_out_table, missing_table, without_value_table
from medaug.benchmark.report.headline import headline
from medaug.benchmark.report.method import basis, method
from medaug.benchmark.report.pictures import Picture
from medaug.benchmark.results import Results
from medaug.io.files import dump_json, write_atomically
from medaug.pages import render_page
from medaug.typing import StrPath

_LONGEST_ON_A_LINE = 60


def write_page(
    results: Results, comparison: pd.DataFrame, examples: Sequence[Example], path: StrPath
) -> None:
    """Write the report, whole or not at all.

    Parameters
    ----------
    results : Results
        All runs.
    comparison : DataFrame
        From `medaug.benchmark.analysis.analyse`.
    examples : sequence of Example
        A row of pictures each; none leaves the section out.
    path : path
        The HTML file.
    """
    page = render_page(
        "medaug.benchmark.report",
        "report.html.jinja",
        name=results.name,
        quick=results.provenance.get("quick", False),
        headline=headline(results, comparison),
        basis=basis(results, comparison),
        styles=arm_styles(results.arms),
        size=format_size(results.main_size),
        missing=missing_table(results),
        left_out=left_out_table(results),
        without_value=without_value_table(results),
        remarks=results.provenance.get("remarks", []),
        examples=[_example_row(example) for example in examples],
        max_arms=MAX_ARMS,
        class_colours=class_colours(results.classes),
        seconds=tables.seconds_table(results),
        **_comparison(results, comparison),
        **_pictures(results, comparison),
        **_method(results, comparison),
    )
    write_atomically(path, page)


def _comparison(results: Results, comparison: pd.DataFrame) -> dict[str, Any]:
    """Return the tables and what they rest on."""
    means = mean_rows(comparison, results.main_size)
    several_sizes = len(results.sizes) > 1
    return {
        "reference": means[0]["arm"] if means else results.arms[0],
        "interval": format_confidence(means[0]["confidence"]) if means else "interval",
        "answer": tables.answer_table(results, comparison),
        "measures": tables.measures_table(results, comparison),
        "classes": tables.class_table(results, comparison),
        "sizes": tables.size_table(results, comparison) if several_sizes else None,
        "detectable": tables.detectable_sentence(results, comparison),
    }


def _pictures(results: Results, comparison: pd.DataFrame) -> dict[str, list[Picture]]:
    return {
        "paired": pictures.paired_pictures(results, comparison),
        "cost": pictures.cost_pictures(results, comparison),
        "efficiency": pictures.size_pictures(results, comparison),
        "robustness": pictures.robustness_pictures(results),
        "calibration": pictures.calibration_pictures(results),
        "curves": pictures.curve_pictures(results),
    }


def _example_row(example: Example) -> dict[str, Any]:
    """Return one case's pictures: the image, the truth, and what each arm made of it."""

    def drawn(label: str, **masks: Any) -> Picture:
        data = slice_png(example.image, spacing_mm=example.spacing_mm, **masks)
        address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        return Picture(address, label)

    choice = example.choice
    return {
        "title": f"{choice.case}: {', '.join(choice.reasons)}",
        "run": f"slice {example.plane}, fold {choice.fold}, seed {choice.seed}",
        "pictures": [
            drawn("image"),
            drawn("truth", masks=example.truth),
            *(
                drawn(f"{arm}: {format_score(example.dice[arm])}", masks=masks, truth=example.truth)
                for arm, masks in example.predictions.items()
            ),
        ],
    }


def _method(results: Results, comparison: pd.DataFrame) -> dict[str, Any]:
    """Return the method section, the policies, and everything that is recorded in full."""
    provenance = results.provenance
    shown_apart = {"policies", "remarks", "command"}
    plain = {name: value for name, value in provenance.items() if _is_plain(value)}
    sections = {
        name: value
        for name, value in provenance.items()
        if name not in plain and name not in shown_apart
    }
    return {
        "method": method(results, comparison),
        "policies": provenance.get("policies", {}),
        "command": provenance.get("command", ""),
        "provenance": [
            ("run", _facts({key: plain[key] for key in plain if key not in shown_apart}), []),
            *((title, _facts(value), _texts(value)) for title, value in sections.items()),
        ],
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
