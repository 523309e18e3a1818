"""The command line: one module a subcommand, each of which parses, calls and prints."""

from __future__ import annotations

import os

from medaug.cli.app import app


def main() -> None:
    """Run the command line; the entry point of ``medaug``."""
    # Threads that spin while they wait starve each other where a core is shared: with one busy
    # neighbour on two cores, a training step took 6 to 10 times as long. OpenMP reads this when
    # torch is loaded, which no subcommand has done yet.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app(prog_name="medaug")
