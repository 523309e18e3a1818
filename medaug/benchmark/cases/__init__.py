"""The cases of a benchmark, and which of them a run trains on and is tested on."""
