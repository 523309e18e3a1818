"""Where the trials of a search are kept, and what search they belong to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from medaug.benchmark.search.config import SearchConfig
from medaug.benchmark.search.sampler import SearchSampler
from medaug.errors import InputError
from medaug.io.files import dump_json

STUDY_FILE = "study.db"

_JOURNAL = "journal:"
_IDENTITY = "identity"

#: Differences that the refusal of a study lists.
_DIFFERENCES_SHOWN = 3


def storage_url(config: SearchConfig, folder: Path) -> str:
    """Return where the study is kept: as configured, or an SQLite file in the output folder.

    ``$NAME`` stands for a variable of the environment: a password should not be in a file.
    """
    if config.storage is not None:
        return os.path.expandvars(config.storage)
    return f"sqlite:///{folder.resolve() / STUDY_FILE}"


def open_study(config: SearchConfig, url: str) -> optuna.Study:
    """Return the study of a search, which is made if it is not there.

    Raises
    ------
    InputError
        If the storage cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a search has lines of its own
    try:
        return optuna.create_study(
            study_name=config.name,
            storage=_open_storage(url),
            direction="maximize",
            load_if_exists=True,
            sampler=SearchSampler(config.seed, config.startup_trials),
            pruner=_pruner(config),
        )
    except Exception as error:  # of whichever database it is, or its driver
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"storage: cannot be used ({type(error).__name__}: {reason}).") from error


def claim_study(study: optuna.Study, identity: Mapping[str, Any]) -> None:
    """Make the study that of a search, or make sure that it is.

    Parameters
    ----------
    study : optuna.Study
        The study.
    identity : mapping
        Plain JSON: everything that trials depend on.

    Raises
    ------
    InputError
        If it is the study of another search.
    """
    ours = json.loads(dump_json(identity))
    theirs = study.user_attrs.get(_IDENTITY)
    if theirs is None:
        if study.get_trials(deepcopy=False):
            raise InputError(
                f"storage: the study '{study.study_name}' was not made by a policy search; choose "
                "another name."
            )
        study.set_user_attr(_IDENTITY, ours)
        return
    here, there = dict(_flat(ours)), dict(_flat(theirs))
    different = [key for key in here | there if here.get(key) != there.get(key)]
    if different:
        shown = ", ".join(different[:_DIFFERENCES_SHOWN])
        more = len(different) - _DIFFERENCES_SHOWN
        raise InputError(
            f"The study '{study.study_name}' is of another search: {shown}"
            f"{f' and {more} more' if more > 0 else ''} differ; choose another name and output "
            "folder."
        )


def _open_storage(url: str) -> BaseStorage:
    if url.startswith(_JOURNAL):
        return JournalStorage(JournalFileBackend(url.removeprefix(_JOURNAL)))
    return RDBStorage(url)


def _pruner(config: SearchConfig) -> BasePruner:
    if config.pruner is None:
        return NopPruner()
    # Folds count from 0 in the study, so that one warm-up fold ends with number 0.
    return MedianPruner(config.pruner.startup_trials, config.pruner.warmup_folds - 1)


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by their keys, joined by dots."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{name}" if key else name)
    else:
        yield key, value
