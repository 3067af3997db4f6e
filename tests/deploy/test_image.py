"""The image and the workflows: everything pinned, no more privileges than needed."""

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


def test_the_image_runs_unprivileged_and_its_health_check_asks_readyz(lines: list[str]) -> None:
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    assert "USER 10001" in lines[last:]
    assert any("/readyz" in line for line in lines[last:])


def test_the_image_pins_everything(lines: list[str]) -> None:
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    [base] = bases  # the same for both stages
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim", base)
    installs = [line for line in lines if "pip install" in line or "pip wheel" in line]
    assert len(installs) == 4
    for line in installs:
        assert ("--require-hashes" in line and ".lock" in line) or "--no-deps" in line


def test_build_requirements_are_locked() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    lock = (DEPLOY / "build.lock").read_text(encoding="utf-8")
    tested = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^(\S+==\S+)", lock, re.MULTILINE)
    assert {re.split(r"\W", name)[0] for name in wanted} <= {pin.partition("==")[0] for pin in pins}
    assert all(f"\n{pin} " in tested for pin in pins), "differs from requirements.lock; run `make lock`"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.name))
def test_workflows_have_minimal_permissions_and_pinned_actions(path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        steps = job.get("steps", [job])
        for step in (step for step in steps if "uses" in step):
            is_local = step["uses"].startswith("./")
            assert is_local or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), "a tag can be moved"
            if "/checkout@" in step["uses"]:
                assert step["with"]["persist-credentials"] is False
        assert not any("${{" in step.get("run", "") for step in steps), "an expression in a script allows injection"


def test_a_release_waits_for_all_checks() -> None:
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    jobs = release["jobs"]
    assert jobs["checks"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["image"]["needs"] == "checks"
    assert jobs["release"]["needs"] == "image"
