"""Optional dependencies: what is said where one is needed and not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medaug.errors import InputError


def install_command(extra: str) -> str:
    """Return the command that installs an extra."""
    return f'pip install "medaug[{extra}]"'


def missing_extra(extra: str, purpose: str, module: str) -> InputError:
    """Return the error that says what to install.

    Parameters
    ----------
    extra : str
        Of ``pyproject.toml``, such as ``search``.
    purpose : str
        What needs it; starts the sentence.
    module : str
        What is not there.
    """
    return InputError(f"{purpose} needs {module}, which is not installed: {install_command(extra)}")


@contextmanager
def optional_import(extra: str, purpose: str) -> Iterator[None]:
    """Turn what goes wrong with the imports within the block into one line of what to install.

    Parameters
    ----------
    extra, purpose : str
        See `missing_extra`.

    Raises
    ------
    InputError
        If a module is not installed, or cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_extra(extra, purpose, str(error.name)) from error
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{purpose} needs what cannot be imported ({reason}); mend it with "
            f"{install_command(extra)}"
        ) from error
