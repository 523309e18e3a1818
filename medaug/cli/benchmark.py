"""``medaug benchmark``: Dice with and without augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medaug.cli import complete

if TYPE_CHECKING:
    from medaug.benchmark.results import Results

#: Exit code of a benchmark that some runs are missing of.
EXIT_MISSING = 1

#: Exit code of a benchmark that was interrupted, as shells have it.
EXIT_STOPPED = 130


def benchmark(
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="CONFIG",
            help="YAML file, or the name of a shipped benchmark (phantom, hippocampus, brats).",
            autocompletion=complete.benchmarks,
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
        typer.Option(
            metavar="A,B",
            help="Policies, by name or path; the first is the reference.",
            autocompletion=complete.lists_of_policies,
        ),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of the cross-validation.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="0,1", help="Seeds; a run for each.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps of a run.")] = None,
    train_cases: Annotated[
        str | None,
        typer.Option(
            metavar="5,10,all", help="Train on so many cases of each fold's training part."
        ),
    ] = None,
    ablate: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="Instead of --arms: this policy, whole, without each of its parts, and each part "
            "alone.",
            autocompletion=complete.policies,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Trainings at a time on this machine.", show_default="as many as fit"
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Train on the workers of a dask scheduler instead."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A smoke run of under a minute, whatever else is asked for."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the benchmark in --out, or add arms, sizes or seeds to it."
        ),
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
    if workers is not None and scheduler is not None:
        raise typer.BadParameter("has workers of its own; drop --workers", param_hint="--scheduler")
    if arms is not None and ablate is not None:
        raise typer.BadParameter("makes arms of its own; drop --arms", param_hint="--ablate")
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
        "arms": _listed(arms),
        "ablate": ablate,
        "folds": folds,
        "seeds": _listed(seeds),
        "steps": steps,
        "train_cases": _listed(train_cases),
        "workers": workers,
        "quick": quick or None,
    }
    settings = load_config(
        config, **{key: value for key, value in options.items() if value is not None}
    )
    folder = out or Path("runs") / f"{settings.name}-{datetime.now():%Y%m%d-%H%M%S}"
    console = Console()
    try:
        outcome = run_benchmark(
            settings,
            folder,
            resume=resume,
            scheduler=scheduler,
            progress=terminal_progress(console),
            trust=trust,
        )
    except KeyboardInterrupt:
        typer.echo(
            f"Stopped. Continue with the same command, --resume and --out {folder}", err=True
        )
        raise typer.Exit(EXIT_STOPPED) from None
    results = outcome.results
    console.print(comparison_table(results, outcome.comparison))
    console.print(headline(results, outcome.comparison), highlight=False, markup=False)
    if settings.quick:
        console.print(
            "A quick run shows that every part works; its numbers say nothing about the arms."
        )
    console.print(f"Report: {outcome.report}", highlight=False, markup=False, soft_wrap=True)
    if len(results.missing):
        for line in _missing(results):
            typer.echo(line, err=True)
        raise typer.Exit(EXIT_MISSING)


def _listed(option: str | None) -> list[str] | None:
    return None if option is None else [item.strip() for item in option.split(",")]


def _missing(results: Results) -> Iterator[str]:
    """Yield a line for each group of missing runs and what to do about them."""
    from medaug.benchmark.report.gaps import missing_table

    yield f"{len(results.missing)} runs are missing; try them again with --resume:"
    for arm, size, runs, reason in missing_table(results).rows:
        yield f"  {arm}, {size} training cases, {runs}: {reason}"
