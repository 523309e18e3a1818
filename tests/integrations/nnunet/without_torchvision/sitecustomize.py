"""Lets nnU-Net look through its trainers where there is no torchvision.

It imports all of them until it finds the one it wants. Those of the Primus networks need timm, and
that needs torchvision, which is often missing where torch is built for the CPU alone. Python runs
a module of this name at its start, where it is on the path.
"""

import sys
from importlib.util import find_spec
from types import ModuleType

PRIMUS = "dynamic_network_architectures.architectures.primus"

if find_spec("torchvision") is None:
    module = ModuleType(PRIMUS)
    for name in ("Primus", "PrimusV2B", "PrimusV2L", "PrimusV2M", "PrimusV2S"):
        setattr(module, name, None)
    sys.modules[PRIMUS] = module
