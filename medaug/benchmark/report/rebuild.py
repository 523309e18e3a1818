"""The report of a benchmark from its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from medaug.benchmark.analysis import analyse
from medaug.benchmark.load_results import load_results
from medaug.benchmark.report.tensorboard import write_tensorboard
from medaug.benchmark.report.write import write_html, write_summary
from medaug.typing import StrPath

ReportFormat = Literal["html", "md"]


def rebuild_report(
    folder: StrPath, report_format: ReportFormat, *, tensorboard: StrPath | None = None
) -> list[Path]:
    """Make the report of a benchmark anew, with the runs that its folder holds by now.

    Parameters
    ----------
    folder : path
        Output folder of a benchmark; its data are not needed.
    report_format : {'html', 'md'}
        ``report.html``, or ``summary.md`` with its figure.
    tensorboard : path, optional
        Also write TensorBoard event logs to this folder.

    Returns
    -------
    list of Path
        What was written: the report, and the folder of the logs.

    Raises
    ------
    InputError
        If the folder holds no benchmark or no finished run, or as `write_tensorboard` says.
    """
    results = load_results(folder)
    comparison = analyse(results)
    write = write_html if report_format == "html" else write_summary
    written = [write(results, comparison, folder)]
    if tensorboard is not None:
        written.append(write_tensorboard(results, tensorboard))
    return written
