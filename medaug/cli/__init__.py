"""The command line: one module a subcommand, each of which parses, calls and prints."""

from __future__ import annotations

from medaug.cli.app import app


def main() -> None:
    """Run the command line; the entry point of ``medaug``."""
    app(prog_name="medaug")
