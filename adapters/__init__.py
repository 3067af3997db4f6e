"""Each platform: its events in, our views out as its JSON."""
