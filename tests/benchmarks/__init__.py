"""Benchmarks: ``python -m tests.benchmarks [NAME ...]``. To add some, write a module here and name it in `__main__`."""
