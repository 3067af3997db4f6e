"""A strict local simulator of the Microsoft Teams services."""
