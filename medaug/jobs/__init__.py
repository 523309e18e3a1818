"""Many independent jobs on this machine or on a cluster, and what becomes of each."""

from medaug.jobs.outcome import Outcome
from medaug.jobs.run import default_workers, run_jobs

__all__ = ["Outcome", "default_workers", "run_jobs"]
