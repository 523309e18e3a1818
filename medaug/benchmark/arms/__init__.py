"""The arms of a benchmark: what its runs differ in."""
