"""The application that subcommands belong to, and how it reports wrong input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from medaug import __version__
from medaug.cli.augment import augment
from medaug.cli.benchmark import benchmark
from medaug.cli.gallery import gallery
from medaug.cli.info import info
from medaug.cli.inspect import inspect
from medaug.cli.preprocess import preprocess
from medaug.cli.preview import preview
from medaug.cli.replay import replay
from medaug.cli.report import report
from medaug.cli.restore import restore
from medaug.cli.search import search
from medaug.errors import InputError

#: Exit code for wrong input, the one that typer uses for wrong options.
EXIT_INPUT = 2


#: What typer raises for wrong options; of click's exceptions it names only those below this one.
_UsageError: Any = typer.BadParameter.__base__


class _Group(TyperGroup):
    """Turns all wrong input into one line and exit code 2."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse what stands before the subcommand."""
        with _one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Parse the rest, and run the subcommand."""
        with _one_line(ctx):
            return super().invoke(ctx)


@contextmanager
def _one_line(ctx: Any = None) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(EXIT_INPUT) from error
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
            raise
        command = "medaug"
        if error.ctx:
            command = error.ctx.command_path
        elif ctx and ctx.invoked_subcommand:  # of an option without its value no context is known
            command = f"{ctx.command_path} {ctx.invoked_subcommand}"
        message = " ".join(error.format_message().split())
        stop = "" if message.endswith((".", "?")) else "."
        typer.echo(f"Error: {message}{stop} See {command} --help.", err=True)
        raise typer.Exit(EXIT_INPUT) from error


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Augment 3D medical volumes and masks together, and measure whether it helped.",
)
app.command()(benchmark)
app.command()(gallery)
app.command()(info)
app.command()(inspect)
app.command()(preprocess)
app.command()(report)
app.command()(restore)
app.command()(search)
app.command()(augment)
app.command()(replay)
app.command()(preview)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medaug {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # its callback does the work
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options that stand before a subcommand."""
