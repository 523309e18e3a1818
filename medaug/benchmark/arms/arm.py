"""The arms of a benchmark: its policies, by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai.transforms import Compose

from medaug.errors import InputError
from medaug.policy import load_policy, policy_path


@dataclass(frozen=True)
class Arm:
    """A policy that takes part in a benchmark.

    Attributes
    ----------
    label : str
        What results call it: the stem of its file.
    path : Path
        The policy's file.
    text : str
        The file's content, which results keep.
    policy : monai.transforms.Compose
        Yields patches. Built once, so that a file that is edited meanwhile cannot mix two policies
        in one arm.
    """

    label: str
    path: Path
    text: str
    policy: Compose


def load_arms(
    names: Sequence[str], patch_size: Sequence[int], *, trust: bool = False
) -> tuple[Arm, ...]:
    """Find the policies of a benchmark and make sure that each can be built.

    Parameters
    ----------
    names : sequence of str
        Names of shipped policies, or paths.
    patch_size : sequence of 3 int
        Voxels of a patch.
    trust : bool
        Let a policy name and run any code.

    Returns
    -------
    tuple of Arm
        In the order given.

    Raises
    ------
    InputError
        If a policy is unknown or wrong, or two have the same label.
    """
    arms: dict[str, Arm] = {}
    for name in names:
        path = policy_path(name)
        if path.stem in arms:
            raise InputError(
                f"arms: '{name}' would be called '{path.stem}' like the arm from "
                f"{arms[path.stem].path}; drop one of them or rename its file."
            )
        policy = load_policy(path, spatial_size=patch_size, trust=trust)
        arms[path.stem] = Arm(path.stem, path, path.read_text(encoding="utf-8"), policy)
    return tuple(arms.values())
