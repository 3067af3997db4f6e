"""The objects that kustomize makes: valid to Kubernetes' own schemas, and as safe as the server expects."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.config import Settings
from bot.server import DRAIN

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
OVERLAYS = DEPLOY / "kubernetes" / "overlays"
VERSION = "1.33"

Json = dict[str, Any]


@pytest.fixture(params=["dev", "prod"])
def rendered(request: pytest.FixtureRequest) -> list[Json]:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl is not installed")
    command = [kubectl, "kustomize", str(OVERLAYS / request.param)]
    made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(made.stdout))


@pytest.fixture
def sources() -> list[Json]:
    """What kustomize starts from: read without any tool."""
    files = sorted((DEPLOY / "kubernetes" / "base").glob("*.yaml"))
    found = [one for path in files for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return [one for one in found if one["kind"] != "Kustomization"]


def pods(objects: list[Json]) -> list[Json]:
    return [one["spec"]["template"]["spec"] for one in objects if one["kind"] in {"Deployment", "Job"}]


def test_kubernetes_takes_them(rendered: list[Json]) -> None:
    kinds = {one["kind"] for one in rendered}
    assert kinds == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy", "PodDisruptionBudget",
        "Service",
    }  # fmt: skip
    for one in rendered:
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_selectors_meet_their_pods(rendered: list[Json]) -> None:
    (deployment,) = (one for one in rendered if one["kind"] == "Deployment")
    (service,) = (one for one in rendered if one["kind"] == "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"]):
        assert selector
        assert selector.items() <= labels.items()
        # Nothing may be sent to the pod that migrates.
        (job,) = (one for one in rendered if one["kind"] == "Job")
        assert not selector.items() <= job["spec"]["template"]["metadata"]["labels"].items()


def test_every_container_is_held_tight(sources: list[Json]) -> None:
    found = pods(sources)
    assert len(found) == 2
    for pod in found:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_there_is_time_to_finish(sources: list[Json]) -> None:
    (deployment,) = (one for one in sources if one["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= before + 5 + 2 * DRAIN
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_every_setting_named_is_one(rendered: list[Json]) -> None:
    (settings,) = (one["data"] for one in rendered if one["kind"] == "ConfigMap")
    assert settings
    assert {name.lower() for name in settings} <= set(Settings.model_fields)
    secret = [name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)]
    assert not {name.lower() for name in settings} & set(secret)


def test_the_image_runs_as_nobody_and_asks_the_database_how_it_is() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    assert "USER 10001" in lines[last:]
    assert any("/readyz" in line for line in lines[last:])
    installs = [line for line in lines if "pip install" in line and ".lock" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)


@pytest.mark.parametrize("path", sorted((DEPLOY.parent / ".github").rglob("*.yml")), ids=lambda path: str(path.name))
def test_workflows_ask_for_no_more_than_they_need(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "jobs" in workflow:
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert all("@" in step["uses"] for step in job["steps"] if "uses" in step)
