"""The flow as a graph (JSON, Mermaid, DOT) and as a picture (SVG)."""
