"""The decision, pure: standard library only, no I/O beyond its own catalogues, no clock, no async."""
