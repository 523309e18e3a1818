"""Finding the arm of a peer by its name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from medaug.benchmark.arms.peers.peer import PeerTransform
from medaug.extras import optional_import

#: The arms, and where the class of each is; imported only when it is asked for.
_CLASSES = {
    "monai": ("medaug.benchmark.arms.peers.monai", "MonaiPeer"),
    "torchio": ("medaug.benchmark.arms.peers.torchio", "TorchioPeer"),
    "batchgeneratorsv2": ("medaug.benchmark.arms.peers.batchgeneratorsv2", "NnunetPeer"),
}

#: Names of the ready arms.
PEERS = tuple(_CLASSES)


def load_peer(name: str, patch_size: Sequence[int]) -> PeerTransform:
    """Build the transform of a peer's arm.

    Parameters
    ----------
    name : str
        One of `PEERS`.
    patch_size : sequence of 3 int
        Voxels of a patch.

    Returns
    -------
    PeerTransform
        With its library tried: all that it needs is there.

    Raises
    ------
    InputError
        If the library is not installed, or cannot be imported.
    """
    module, class_name = _CLASSES[name]
    i, j, k = (int(n) for n in patch_size)
    with optional_import("peers", f"arms: '{name}', an arm of another library,"):
        peer: PeerTransform = getattr(import_module(module), class_name)((i, j, k))
    return peer
