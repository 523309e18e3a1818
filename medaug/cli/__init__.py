"""The command line: one module a subcommand, each of which parses, calls and prints."""

from __future__ import annotations

import os

from medaug.cli.app import app


def main() -> None:
    """Run the command line; the entry point of ``medaug``."""
    # Threads that spin long while they wait starve each other where a core is shared; threads that
    # do not spin at all cost a third where it is not. OpenMP reads this when torch is loaded, which
    # no subcommand has done yet.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    app(prog_name="medaug")
