"""Print the folder that nnU-Net's variable ``nnUNet_extTrainer`` has to name."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import typer

from medaug.errors import InputError
from medaug.extras import optional_import

#: Exit code for what the user has to mend, as that of ``medaug``.
EXIT_INPUT = 2


def trainer_folder() -> Path:
    """Return the folder in which nnU-Net finds the trainer.

    Raises
    ------
    InputError
        If nnunetv2 is not installed, or does not look for trainers outside itself.
    """
    with optional_import("nnunet", "medaug's trainer for nnU-Net"):
        from nnunetv2 import paths  # noqa: PLC0415  # an extra
    if not hasattr(paths, "nnUNet_extTrainer"):
        raise InputError(
            f"nnunetv2 {version('nnunetv2')} does not look for trainers outside itself, as 2.8 "
            'does: pip install --upgrade "nnunetv2>=2.8"'
        )
    return Path(__file__).with_name("external")


def main() -> int:
    """Print the folder, and nothing else; return the exit code."""
    try:
        folder = trainer_folder()
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        return EXIT_INPUT
    typer.echo(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
