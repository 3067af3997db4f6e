"""The compose file: what Docker's own reader makes of it, and that nothing in it is looser than it must be."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

COMPOSE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"


def test_ours_run_read_only_and_only_after_the_migration() -> None:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    for name in ("advisor", "migrate"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert services["migrate"]["command"] == ["cm-advisor", "db", "upgrade"]
    assert services["advisor"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert "healthcheck" in services["database"]


def test_docker_can_read_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    home = tmp_path / "deploy"
    home.mkdir()
    shutil.copy(COMPOSE, home)
    (tmp_path / ".env").write_text("SLACK_SIGNING_SECRET=x\n")
    command = [docker, "compose", "-f", str(home / "compose.yaml"), "config", "--quiet"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert made.returncode == 0, made.stderr
