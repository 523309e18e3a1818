"""``medaug benchmark``: Dice with and without augmentation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def benchmark(
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="CONFIG",
            help="YAML file, or the name of a shipped benchmark (phantom, hippocampus).",
        ),
    ] = None,
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of cases, in any layout that `medaug inspect` knows."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder.", show_default="runs/NAME-TIME")
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Policies, by name or path; the first is the reference."),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of the cross-validation.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="0,1", help="Seeds; a run for each.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps of a run.")] = None,
    train_cases: Annotated[
        int | None, typer.Option(help="Train on so many cases of each fold's training part.")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A smoke run of under a minute, whatever else is asked for."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the benchmark in --out after it was stopped.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let policies and the network name and run any code.")
    ] = False,
) -> None:
    """Train a U-Net with each augmentation policy and compare their Dice, fold by fold.

    Without CONFIG and --data it runs on a generated phantom.
    """
    if resume and out is None:
        raise typer.BadParameter("needs --out, the folder to continue", param_hint="--resume")
    from rich.console import Console

    from medaug.benchmark import (
        comparison_table,
        headline,
        load_config,
        run_benchmark,
    )
    from medaug.jobs.progress import terminal_progress

    options = {
        "data": data,
        "arms": None if arms is None else [arm.strip() for arm in arms.split(",")],
        "folds": folds,
        "seeds": None if seeds is None else seeds.split(","),
        "steps": steps,
        "train_cases": train_cases,
        "quick": quick or None,
    }
    settings = load_config(
        config, **{key: value for key, value in options.items() if value is not None}
    )
    folder = out or Path("runs") / f"{settings.name}-{datetime.now():%Y%m%d-%H%M%S}"
    console = Console()
    outcome = run_benchmark(
        settings, folder, resume=resume, progress=terminal_progress(console), trust=trust
    )
    console.print(comparison_table(outcome.comparison))
    console.print(headline(outcome.comparison), highlight=False, markup=False)
    if settings.quick:
        console.print(
            "A quick run shows that every part works; its numbers say nothing about the arms."
        )
    console.print(f"Report: {outcome.report}", highlight=False, markup=False, soft_wrap=True)
