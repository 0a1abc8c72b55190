"""Benchmarks: each prints figures, with a ratio to what a user would do instead, and never fails."""
