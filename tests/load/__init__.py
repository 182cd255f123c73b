"""Benchmarks: run by hand (`manage.py bench NAME`), printing ratios against a baseline of the same run."""
