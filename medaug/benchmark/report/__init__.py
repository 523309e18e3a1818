"""What a benchmark found, for people."""
