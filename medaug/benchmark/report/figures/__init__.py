"""The pictures of a benchmark, one kind a file.

All are drawn on ``Figure`` objects, without pyplot and its global state.
"""
