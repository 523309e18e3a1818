"""An arm of a benchmark, and how the arms of a configuration are found and built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from monai.transforms import Compose

from medaug.benchmark.arms.ablation import ablation
from medaug.benchmark.arms.peers import PEERS, load_peer
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
    configs: Sequence[ArmConfig],
    patch_size: Sequence[int],
    *,
    ablate: str | None = None,
    trust: bool = False,
) -> tuple[Arm, ...]:
    """Find the policies of a benchmark and make sure that each can be built.

    Parameters
    ----------
    configs : sequence of ArmConfig
        Names of shipped policies or of `PEERS`, or paths of policies, and at which sizes they run.
    patch_size : sequence of 3 int
        Voxels of a patch.
    ablate : str or None
        The name or path of a policy: its ablation makes the arms, instead of `configs`.
    trust : bool
        Let a policy name and run any code.

    Returns
    -------
    tuple of Arm
        In the order given; of an ablation the policy that does nothing first, then the whole one.

    Raises
    ------
    InputError
        If a policy is unknown or wrong, two arms have the same label, the library of a peer is not
        there, or a policy has nothing to ablate.
    """
    if ablate is not None:
        return _by_label(_ablation_arms(ablate, patch_size, trust), "ablate")
    return _by_label((_arm(config, patch_size, trust) for config in configs), "arms")


def _by_label(arms: Iterable[Arm], key: str) -> tuple[Arm, ...]:
    by_label: dict[str, Arm] = {}
    for arm in arms:
        if arm.label in by_label:
            raise InputError(
                f"{key}: two arms would be called '{arm.label}'; drop one of them or rename its "
                "file."
            )
        by_label[arm.label] = arm
    return tuple(by_label.values())


def _arm(config: ArmConfig, patch_size: Sequence[int], trust: bool) -> Arm:
    name = config.policy
    if name in PEERS:
        peer = load_peer(name, patch_size)
        return Arm(name, peer.text, Compose([peer]), config.train_cases)
    try:
        path = policy_path(name, also=PEERS)
    except InputError as error:
        raise InputError(f"arms: {error}") from error
    text = read_policy(path)
    policy = build_policy(text, str(path), spatial_size=patch_size, trust=trust)
    return Arm(path.stem, text, policy, config.train_cases)


def _ablation_arms(name: str, patch_size: Sequence[int], trust: bool) -> Iterator[Arm]:
    path = policy_path(name)
    whole = read_policy(path)
    build_policy(whole, str(path), spatial_size=patch_size, trust=trust)  # before it is taken apart
    for label, text in ablation(path.stem, whole, str(path)):
        where = f"{path} ({label})"
        yield Arm(label, text, build_policy(text, where, spatial_size=patch_size, trust=trust))
