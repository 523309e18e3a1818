"""A seeded generator of head-like scans with lesions, the benchmark's data when none is named."""

from medaug.benchmark.cases.phantom.generate import PhantomConfig, make_phantom

__all__ = ["PhantomConfig", "make_phantom"]
