"""All probes, in the order in which they run: the short ones first."""

from . import (arithmetic, atomics, global_memory, launches, shared_memory,
               synchronization, tensor_copies, wgmma)

MODULES = (launches, synchronization, shared_memory, global_memory, atomics,
           arithmetic, tensor_copies, wgmma)


def all_probes():
    """A list of all probes; their keys differ."""
    return [probe for module in MODULES for probe in module.probes()]
