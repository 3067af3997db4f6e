"""Benchmarks: ``python -m tests.benchmarks [NAME ...]``. A new benchmark is a module here, named in `__main__`."""
