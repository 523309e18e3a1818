"""One run of a benchmark, the training and testing of one network: what it is and leaves."""
