"""The segmentation network: a U-Net sized for the patch, or one from the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.networks.nets import DynUNet
from torch import nn

from medaug.benchmark.streams import Stream
from medaug.errors import InputError
from medaug.policy import check_arguments, check_is_data
from medaug.rng import derive_seed

#: Channels of the default network, from full resolution down.
FILTERS = (16, 32, 64, 128)

#: No axis is halved below this many voxels.
SMALLEST_AXIS = 4


def build_network(
    definition: Mapping[str, Any] | None,
    *,
    in_channels: int,
    out_channels: int,
    patch_size: Sequence[int],
    seed: int,
    fold: int,
    trust: bool = False,
) -> nn.Module:
    """Build the network with the initial weights of (seed, fold).

    Parameters
    ----------
    definition : mapping or None
        MONAI configuration with ``_target_``, in which ``@in_channels`` and ``@out_channels`` may
        be used; None for the default network.
    in_channels : int
        Channels of the image.
    out_channels : int
        Classes, background included.
    patch_size : sequence of 3 int
        Voxels of a training patch.
    seed, fold : int
        Address of the random stream of the initial weights.
    trust : bool
        Let the definition name and run any code.

    Returns
    -------
    torch.nn.Module
        Maps [B, in_channels, I, J, K] to logits [B, out_channels, I, J, K].

    Raises
    ------
    InputError
        If the definition cannot be built.
    """
    with seeded(derive_seed(Stream.WEIGHTS, seed, fold, 0)):
        if definition is None:
            return _default_network(in_channels, out_channels, patch_size)
        if not trust:
            check_is_data(dict(definition), "network")
        check_arguments(dict(definition), "network")
        return _configured_network(definition, in_channels, out_channels)


def check_network(
    network: nn.Module, *, in_channels: int, out_channels: int, patch_size: Sequence[int]
) -> None:
    """Raise InputError unless the network turns a patch into logits of the same size."""
    expected = (1, out_channels, *patch_size)
    try:
        with torch.no_grad():
            logits = network(torch.zeros(1, in_channels, *patch_size))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise InputError(
            f"network: it fails on a patch of {tuple(patch_size)} voxels with {in_channels} "
            f"channels ({_line(error)}); change the network or patch_size."
        ) from error
    shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if shape != expected:
        raise InputError(
            f"network: it returns {shape} for a patch, not logits of shape {expected}; use "
            "'@in_channels' and '@out_channels' in its definition and leave deep supervision off."
        )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generators within the block and give them back as they were.

    Weight initialisation and dropout offer no other way in.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def _default_network(in_channels: int, out_channels: int, patch_size: Sequence[int]) -> nn.Module:
    strides = _strides(patch_size)
    network: nn.Module = DynUNet(
        spatial_dims=3,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=[3] * len(strides),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=FILTERS[: len(strides)],
    )
    return network


def _strides(patch_size: Sequence[int]) -> list[list[int]]:
    """Halve each axis while it stays whole and large enough, one level at a time."""
    sizes, strides = list(patch_size), [[1, 1, 1]]
    while len(strides) < len(FILTERS):
        stride = [2 if size % 2 == 0 and size // 2 >= SMALLEST_AXIS else 1 for size in sizes]
        if max(stride) == 1:
            break
        strides.append(stride)
        sizes = [size // step for size, step in zip(sizes, stride, strict=True)]
    return strides


def _configured_network(
    definition: Mapping[str, Any], in_channels: int, out_channels: int
) -> nn.Module:
    config = {"network": dict(definition), "in_channels": in_channels, "out_channels": out_channels}
    try:
        network = ConfigParser(config).get_parsed_content("network")
    except Exception as error:  # a configuration can name any class, which can raise anything
        raise InputError(
            f"network: cannot be built ({_line(error)}); check its '_target_' and arguments."
        ) from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"network: is a {type(network).__name__}, not a torch module; check its '_target_'."
        )
    return network


def _line(error: BaseException) -> str:
    """Return the last, most specific message of a chain of errors, as one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200]
