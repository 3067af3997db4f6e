"""Microsoft's packages that tests need, from npm, kept in ``.venv/npm``; skips where they cannot be had."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".venv" / "npm"


def package(name: str, version: str) -> Path:
    """Return the folder of a package, installed when it is not there yet."""
    home = CACHE / f"{name.replace('/', '+')}@{version}"
    folder = home / "node_modules" / name
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not installed")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers want it at once
        if not (home / "done").exists():
            command = [npm, "install", "--prefix", str(home), "--ignore-scripts", "--no-audit", "--no-fund"]
            try:
                subprocess.run([*command, f"{name}@{version}"], check=True, capture_output=True, timeout=100)
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"npm cannot get {name}@{version}: {type(error).__name__}")
            (home / "done").touch()
    return folder
