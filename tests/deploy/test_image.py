"""The image and the workflows: nothing that changes by itself, nothing more than is needed."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture
def lines() -> list[str]:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def test_the_image_runs_as_nobody_and_asks_the_database_how_it_is(lines: list[str]) -> None:
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    assert "USER 10001" in lines[last:]
    assert any("/readyz" in line for line in lines[last:])


def test_everything_in_it_is_pinned(lines: list[str]) -> None:
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    [base] = bases  # built on what it runs on
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim", base)
    installs = [line for line in lines if "pip install" in line or "pip wheel" in line]
    assert len(installs) == 4
    for line in installs:
        assert ("--require-hashes" in line and ".lock" in line) or "--no-deps" in line


def test_what_builds_it_is_locked() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    lock = (DEPLOY / "build.lock").read_text(encoding="utf-8")
    tested = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^(\S+==\S+)", lock, re.MULTILINE)
    assert {re.split(r"\W", name)[0] for name in wanted} <= {pin.partition("==")[0] for pin in pins}
    assert all(f"\n{pin} " in tested for pin in pins), "the same as the tests use; run `make lock`"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.name))
def test_workflows_ask_for_no_more_than_they_need(path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        steps = job.get("steps", [job])
        for step in (step for step in steps if "uses" in step):
            own = step["uses"].startswith("./")
            assert own or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), "a tag can be moved"
            if "/checkout@" in step["uses"]:
                assert step["with"]["persist-credentials"] is False
        assert not any("${{" in step.get("run", "") for step in steps), "what is put into a script is run"


def test_a_release_waits_for_every_check() -> None:
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    jobs = release["jobs"]
    assert jobs["checks"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["image"]["needs"] == "checks"
    assert jobs["release"]["needs"] == "image"
