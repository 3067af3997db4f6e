"""The decision and the dialog about it. Pure: standard library only, no I/O but its catalogs, no clock, no async."""
