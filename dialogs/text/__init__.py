"""Typed text to events: the vocabulary, the parser and the interpreter."""
