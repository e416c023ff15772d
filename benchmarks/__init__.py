"""Benchmarks: what Nearfield measures about itself, beside its peers in the same run."""
