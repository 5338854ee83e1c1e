"""Checks and measures compiled kernels on a machine that has a GPU."""
