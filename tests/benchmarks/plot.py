"""Read series as JSON from standard input, write them as SVG plots into a folder, and print the file names.

A separate program, since matplotlib is in the environment of the peers. The same series give the same bytes.
"""

# mypy: ignore-errors
import json
import re
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "cm-advisor", "svg.fonttype": "none", "font.size": 10})

from matplotlib import pyplot  # noqa: E402 - after the choice of the backend


def plot(series, folder):
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    for name, values in series["lines"].items():
        axes.plot(series["x"], values, marker="o", label=name)
    axes.set(title=series["name"], xlabel=series["x_name"], ylabel=series["y_name"])
    if max(series["x"]) > 1000 * min(series["x"]) > 0:
        axes.set_xscale("log")
    values = [value for line in series["lines"].values() for value in line]
    highest, lowest = max(values), min(values)
    if highest > 50 * lowest > 0:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    name = re.sub(r"\W+", "-", series["name"].lower()).strip("-") + ".svg"
    figure.savefig(folder / name, metadata={"Date": None})
    pyplot.close(figure)
    return name


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for series in json.load(sys.stdin):
        print(plot(series, folder))
