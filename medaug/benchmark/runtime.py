"""Where a benchmark computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch

from medaug.errors import InputError

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
ResolvedPrecision: TypeAlias = Literal["32-true", "bf16-mixed", "16-mixed"]
Precision: TypeAlias = Literal["auto"] | ResolvedPrecision

#: Lightning's names of the strategies by which devices can train one network here. The others
#: start the whole program once for each device, or leave each device a part of the network.
STRATEGIES = ("auto", "ddp", "ddp_spawn", "ddp_find_unused_parameters_true")


@dataclass(frozen=True)
class Runtime:
    """Devices and a precision, all decided.

    Attributes
    ----------
    device : str
        ``cpu`` or ``cuda``.
    precision : str
        Lightning's name: ``32-true``, ``bf16-mixed`` or ``16-mixed``.
    devices : int
        How many train one network together. Testing takes the first.
    strategy : str
        How they do it: one of `STRATEGIES`.
    """

    device: Literal["cpu", "cuda"]
    precision: ResolvedPrecision
    devices: int = 1
    strategy: str = "auto"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the network runs outside the trainer."""
        dtype = torch.bfloat16 if self.precision == "bf16-mixed" else torch.float16
        return torch.autocast(self.device, dtype, enabled=self.precision != "32-true")

    def check_batch(self, batch_size: int) -> None:
        """Raise InputError unless the devices can share a batch equally."""
        if batch_size % self.devices:
            raise InputError(
                f"batch_size: {batch_size} samples cannot be shared equally by {self.devices} "
                "devices; make it a multiple of devices."
            )


def resolve_runtime(
    device: Device, precision: Precision, *, devices: int = 1, strategy: str = "auto"
) -> Runtime:
    """Decide what ``auto`` means on this machine.

    Parameters
    ----------
    device : {'auto', 'cpu', 'cuda'}
        ``auto`` is CUDA where there is one. Apple's MPS is left out: it lacks 3D operations.
    precision : {'auto', '32-true', 'bf16-mixed', '16-mixed'}
        ``auto`` is mixed float16 on CUDA, mixed bfloat16 on CPUs with instructions for it, else
        float32.
    devices : int
        How many train one network together. On the CPU they are processes.
    strategy : str
        How they do it: one of `STRATEGIES`.

    Raises
    ------
    InputError
        If a device is absent, or cannot compute in that precision, or the strategy is no such.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "device: this machine has no CUDA device that torch can use; set device to auto or cpu."
        )
    if device == "cpu" and precision == "16-mixed":
        raise InputError(
            "precision: 16-mixed needs CUDA; set precision to auto, 32-true or bf16-mixed."
        )
    if device == "cuda" and devices > torch.cuda.device_count():
        raise InputError(
            f"devices: there are to be {devices}, but this machine has "
            f"{torch.cuda.device_count()}; set devices to that or less."
        )
    if strategy not in STRATEGIES:
        raise InputError(f"strategy: '{strategy}' is not one of {', '.join(STRATEGIES)}.")
    if precision == "auto":
        precision = _best_precision(device)
    return Runtime(device, precision, devices, strategy)


def _best_precision(device: str) -> ResolvedPrecision:
    if device == "cuda":
        return "16-mixed"
    return "bf16-mixed" if _cpu_has_bfloat16() else "32-true"


def _cpu_has_bfloat16() -> bool:
    """Return whether the CPU has instructions for bfloat16 (emulated, it is slower than float32).

    Older releases of torch cannot tell; float32 is right on every CPU.
    """
    if not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
