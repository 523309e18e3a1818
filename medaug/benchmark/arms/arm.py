"""An arm of a benchmark, and how the arms of a configuration are found and built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monai.transforms import Compose

from medaug.benchmark.config import ArmConfig
from medaug.errors import InputError
from medaug.policy import build_policy, policy_path, read_policy


@dataclass(frozen=True)
class Arm:
    """A policy that takes part in a benchmark.

    Attributes
    ----------
    label : str
        What results call it.
    text : str
        What it is made of, which results keep: the content of a policy's file, or for a peer's arm
        the library, its version and the arguments.
    policy : monai.transforms.Compose
        Yields patches. Built once, so that a file that is edited meanwhile cannot mix two policies
        in one arm.
    train_cases : tuple of int or 'all', or None
        The sizes of the training set at which it runs; None for all.
    """

    label: str
    text: str
    policy: Compose
    train_cases: tuple[int | str, ...] | None = None

    def runs_at(self, size: int | str) -> bool:
        """Return whether the arm runs at a size of the training set."""
        return self.train_cases is None or size in self.train_cases


def load_arms(
    configs: Sequence[ArmConfig], patch_size: Sequence[int], *, trust: bool = False
) -> tuple[Arm, ...]:
    """Find the policies of a benchmark and make sure that each can be built.

    Parameters
    ----------
    configs : sequence of ArmConfig
        Names of shipped policies, or paths, and at which sizes they run.
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
    for config in configs:
        arm = _policy_arm(config, patch_size, trust)
        if arm.label in arms:
            raise InputError(
                f"arms: '{config.policy}' would be called '{arm.label}' like another arm; drop one "
                "of them or rename its file."
            )
        arms[arm.label] = arm
    return tuple(arms.values())


def _policy_arm(config: ArmConfig, patch_size: Sequence[int], trust: bool) -> Arm:
    path = policy_path(config.policy)
    text = read_policy(path)
    policy = build_policy(text, str(path), spatial_size=patch_size, trust=trust)
    return Arm(path.stem, text, policy, config.train_cases)
