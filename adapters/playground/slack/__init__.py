"""Strict local stand-ins of the platforms' own servers: their limits, their errors and their faults."""
