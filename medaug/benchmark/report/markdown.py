"""The outcome of a benchmark as Markdown, for a repository or a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from medaug.benchmark.report.summary import format_cases, headline, summary_cells
from medaug.benchmark.results import Results
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath


def write_markdown(
    results: Results, comparison: pd.DataFrame, path: StrPath, *, figure: str | None
) -> None:
    """Write the answer, the table, a figure and where they come from, whole or not at all.

    Parameters
    ----------
    results : Results
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms`.
    path : path
        The Markdown file.
    figure : str or None
        Name of the file beside it that shows the paired differences, if there is one.
    """
    columns, rows = summary_cells(comparison)
    provenance, reference = results.provenance, results.arms[0]
    note = (
        f"Dice, {format_cases(int(comparison['n_cases'].max()))}; difference to {reference} paired "
        "by case, with its bootstrap interval over cases; p of the Wilcoxon signed-rank test after "
        "Holm's correction."
    )
    picture = [f"![difference of each case's Dice to {reference}]({figure})", ""] if figure else []
    lines = [
        f"# {results.name}",
        "",
        headline(comparison),
        "",
        *_table(columns, rows),
        "",
        note,
        "",
        *picture,
        "## Where this comes from",
        "",
        f"    {provenance.get('command', '')}",
        "",
        *_facts(provenance),
        "",
        "```json",
        dump_json(provenance.get("configuration", {})),
        "```",
        "",
    ]
    write_atomically(path, "\n".join(lines))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    ruler = ["---", *(["---:"] * (len(columns) - 1))]
    return [f"| {' | '.join(_escaped(row))} |" for row in (columns, ruler, *rows)]


def _escaped(cells: Sequence[str]) -> list[str]:
    return [cell.replace("|", r"\|") for cell in cells]


def _facts(provenance: Mapping[str, Any]) -> list[str]:
    """Return a line for each section of plain values that is not the configuration."""
    sections = {"versions": "Versions", "hardware": "Hardware", "data": "Data"}
    facts = []
    for key, title in sections.items():
        values = provenance.get(key, {})
        if values:
            listed = ", ".join(f"{name} {value}" for name, value in values.items())
            facts.append(f"- {title}: {listed}")
    times = [provenance.get(name, "") for name in ("started", "finished")]
    revisions = ", ".join(provenance.get("run_revisions", ()))
    return [*facts, f"- Runs: revision {revisions}, {times[0]} to {times[1]}"]
