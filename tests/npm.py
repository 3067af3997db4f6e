"""Packages that tests need, from npm, kept in ``.venv/npm``; skips with a reason where none can be had."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[1] / ".venv" / "npm"
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
"""Where Node and npm are looked for: those of the environment first."""


def package(name: str, version: str) -> Path:
    """Return the folder of a package, installed when it is not there yet."""
    return packages(f"{name}@{version}") / "node_modules" / name


def packages(*wanted: str) -> Path:
    """Return a folder with these packages (``name@version``), installed when they are not there yet."""
    home = CACHE / wanted[0].replace("/", "+")
    npm = shutil.which("npm", path=PATH)
    if not npm:
        pytest.skip("npm is not installed")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers want it at once
        if not (home / "done").exists():
            command = [npm, "install", "--prefix", str(home), "--ignore-scripts", "--no-audit", "--no-fund"]
            environment = os.environ | {"PATH": PATH}
            try:
                subprocess.run([*command, *wanted], check=True, capture_output=True, timeout=100, env=environment)
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"npm cannot get {' '.join(wanted)}: {type(error).__name__}")
            (home / "done").touch()
    return home
