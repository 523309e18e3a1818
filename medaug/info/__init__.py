"""What medaug finds where it runs: versions, extras, processors, backends, the kernel cache."""

from medaug.info.collect import collect
from medaug.info.text import info_text

__all__ = ["collect", "info_text"]
