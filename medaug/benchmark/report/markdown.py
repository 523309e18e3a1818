"""The outcome of a benchmark as Markdown, for a repository or a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from medaug.benchmark.report.gaps import left_out_table, missing_table, without_value_table
from medaug.benchmark.report.headline import headline
from medaug.benchmark.report.method import basis, method
from medaug.benchmark.report.tables import (
    Table,
    answer_table,
    class_table,
    detectable_sentence,
    measures_table,
    size_table,
)
from medaug.benchmark.results import Results
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath


def write_markdown(
    results: Results, comparison: pd.DataFrame, path: StrPath, *, figure: str | None
) -> None:
    """Write the answer, the tables, a figure, the method and its provenance.

    Parameters
    ----------
    results : Results
    comparison : DataFrame
        From `medaug.benchmark.analysis.analyse`.
    path : path
        The Markdown file.
    figure : str or None
        Name of the file beside it that shows the paired differences, if there is one.
    """
    reference = results.arms[0]
    picture = [f"![difference of each case's Dice to {reference}]({figure})", ""] if figure else []
    lines = [
        f"# {results.name}",
        "",
        headline(results, comparison),
        "",
        basis(results, comparison),
        "",
        *_missing(results),
        *_section("Dice of each arm", answer_table(results, comparison)),
        detectable_sentence(results, comparison),
        "",
        *picture,
        *_section("Other measures", measures_table(results, comparison)),
        *_section("Each class", class_table(results, comparison)),
        *_section("Mean Dice by training cases", size_table(results, comparison)),
        *_section("Cases without a value in every arm", without_value_table(results)),
    ]
    lines += ["## Method", ""]
    for title, text in method(results, comparison):
        lines += [f"**{title}.** {text}", ""]
    write_atomically(path, "\n".join([*lines, *_provenance(results.provenance)]))


def _missing(results: Results) -> list[str]:
    lines = []
    for title, table in {
        "Missing runs": missing_table(results),
        "Left out of the comparison": left_out_table(results),
    }.items():
        lines += _section(title, table)
    remarks = results.provenance.get("remarks", [])
    if remarks:
        lines += ["## Remarks", "", *(f"- {each}" for each in remarks), ""]
    return lines


def _section(title: str, table: Table) -> list[str]:
    return [f"## {title}", "", *_table(table)] if table.rows else []


def _table(table: Table) -> list[str]:
    ruler = ["---", *(["---:"] * (len(table.columns) - 1))]
    rows = (table.columns, ruler, *table.rows)
    return [
        *(f"| {' | '.join(map(_escaped, row))} |" for row in rows),
        "",
    ]


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|")


def _provenance(provenance: Mapping[str, Any]) -> list[str]:
    """Return the command, the arms' definitions and everything else that is recorded."""
    apart = {"command", "policies", "remarks"}
    rest = {key: value for key, value in provenance.items() if key not in apart}
    lines = ["## Where this comes from", "", f"    {provenance.get('command', '')}", ""]
    for arm, text in provenance.get("policies", {}).items():
        lines += [f"**{arm}**", "", *_block("yaml", text)]
    return [*lines, *_block("json", dump_json(rest))]


def _block(language: str, text: str) -> list[str]:
    # Longer than any run of backticks that a text may hold.
    return [f"````{language}", text.rstrip(), "````", ""]
