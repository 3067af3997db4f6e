"""npm packages that tests need, installed in ``.venv/npm``. A test is skipped when they cannot be installed."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[1] / ".venv" / "npm"
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
"""Where node and npm are searched: the virtual environment first."""


def package(name: str, version: str) -> Path:
    """Return the folder of a package; install it when it is missing."""
    return packages(f"{name}@{version}") / "node_modules" / name


def packages(*specs: str) -> Path:
    """Return a folder that contains these packages (``name@version``); install them when they are missing."""
    folder = CACHE / specs[0].replace("/", "+")
    npm = shutil.which("npm", path=PATH)
    if not npm:
        pytest.skip("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several xdist workers may need it at the same time
        if not (folder / "done").exists():
            command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", *specs]
            environment = os.environ | {"PATH": PATH}
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=100, env=environment)
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"npm install {' '.join(specs)} failed: {type(error).__name__}")
            (folder / "done").touch()
    return folder
