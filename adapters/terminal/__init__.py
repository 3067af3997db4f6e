"""The same dialog in a shell."""
