"""``medaug search``: a better policy, found on inner folds and judged once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from medaug.cli import complete


def search(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="YAML file, or the name of a shipped search (hippocampus).",
            autocompletion=complete.searches,
        ),
    ],
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder of cases, instead of the benchmark's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder.", show_default="runs/NAME-TIME")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="Policy to start from, by name or path.", autocompletion=complete.policies
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Policies to try, on all machines together.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Database of the study, for many machines; by default a file in --out.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials at a time on this machine.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the search in --out after it was stopped.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let policies and the network name and run any code.")
    ] = False,
) -> None:
    """Search for better probabilities and magnitudes of a policy, and judge the best one once.

    Trials see only inner folds of the training part of one fold. The best policy is then compared
    with the one to start from on that fold's test cases.
    """
    if resume and out is None:
        raise typer.BadParameter("needs --out, the folder to continue", param_hint="--resume")
    from rich.console import Console

    from medaug.benchmark.search import load_search, run_search
    from medaug.jobs.progress import terminal_progress

    options = {"data": data, "policy": policy, "trials": trials, "storage": storage}
    settings = load_search(
        config, **{key: value for key, value in options.items() if value is not None}
    )
    folder = out or Path("runs") / f"{settings.name}-{datetime.now():%Y%m%d-%H%M%S}"
    console = Console()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    outcome = run_search(
        settings,
        folder,
        resume=resume,
        workers=workers,
        say=say,
        progress=terminal_progress(console),
        trust=trust,
    )
    say(outcome.sentence)
    say(f"Files: {outcome.folder}")
    if outcome.report is not None:
        say(f"Report of the judgement: {outcome.report}")
