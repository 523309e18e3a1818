"""How many trainings fit on this machine at a time."""

from __future__ import annotations

import torch
from monai.losses import DiceCELoss

from medaug.benchmark.experiment import Experiment
from medaug.benchmark.training.network import seeded
from medaug.jobs import default_workers
from medaug.jobs.memory import available_memory

# These were chosen so that the peak of the resident memory of single runs, at patches of 16 to 64
# voxels and scans of 0.02 to 5 million, was 85 to 100 % of the estimate.

#: Bytes of a process that has loaded torch, MONAI and numba and holds no data.
_PROCESS = 750 * 2**20

#: Volumes of float32 that testing holds at once for each class, background included: sums of
#: logits and of weights, probabilities, distances.
_TEST_VOLUMES = 8

#: Copies of the parameters: themselves, gradients, the optimiser's two moments, a checkpoint.
_PARAMETER_COPIES = 5

#: What a step takes for what it keeps for the backward pass: gradients and working space of the
#: same sizes come and go.
_STEP_FACTOR = 2.2


def fitting_workers(experiment: Experiment) -> int:
    """Return how many runs fit on this machine at a time, at least 1.

    One on CUDA, and in a quick benchmark, whose runs are over before a process has started. On the
    CPU as many as there are cores for their threads and memory for `bytes_of_run` of each.
    """
    config = experiment.config
    if config.quick or experiment.runtime.device == "cuda":
        return 1
    by_cores = default_workers() // (config.threads * experiment.runtime.devices)
    available = available_memory()
    by_memory = by_cores if available is None else available // bytes_of_run(experiment)
    return max(1, min(by_cores, by_memory))


def bytes_of_run(experiment: Experiment) -> int:
    """Estimate the most memory that a run takes on the CPU.

    What a step keeps for the backward pass is counted in a forward pass of one patch, and scaled.
    Testing is reckoned from the largest case. The cases themselves are mapped files, which the
    system can drop, and do not count.
    """
    network = experiment.network(seed=0, fold=0)
    parameters = sum(each.numel() * each.element_size() for each in network.parameters())
    kept = experiment.config.batch_size * _kept_for_backward(experiment, network)
    voxels = max(case.label.size for case in experiment.case_set.cases)
    testing = _TEST_VOLUMES * 4 * voxels * (experiment.n_classes + 1)
    a_device = _PROCESS + _PARAMETER_COPIES * parameters + _STEP_FACTOR * kept
    return int(a_device * experiment.runtime.devices) + testing


def _kept_for_backward(experiment: Experiment, network: torch.nn.Module) -> int:
    """Return the bytes that one patch leaves behind in a forward pass and the loss."""
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    size = experiment.config.patch_size
    channels = experiment.case_set.cases[0].image.shape[0]
    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
    with (
        seeded(0),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        experiment.runtime.autocast(),
    ):
        logits = network.train()(torch.zeros(1, channels, *size))
        loss(logits.float(), torch.zeros(1, 1, *size, dtype=torch.uint8))
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
