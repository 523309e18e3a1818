"""Ready arms of other libraries, which `pip install "medaug[peers]"` brings."""

from medaug.benchmark.arms.peers.load import PEERS, load_peer
from medaug.benchmark.arms.peers.peer import PeerTransform

__all__ = ["PEERS", "PeerTransform", "load_peer"]
