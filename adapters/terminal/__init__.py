"""The dialog in a terminal."""
