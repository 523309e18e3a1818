"""Compiled loops. The bodies are plain Python that numba compiles; nothing else lives here."""
