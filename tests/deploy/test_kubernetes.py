"""The objects that kustomize renders: valid by Kubernetes' schemas, hardened, consistent with the server."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from aiohttp import web

from bot.server import DRAIN_SECONDS, build
from bot.settings import Settings
from bot.telemetry.tracing import SHUTDOWN_TIMEOUT

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
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(result.stdout))


@pytest.fixture
def sources() -> list[Json]:
    """Return the objects of the base, read without kustomize."""
    files = sorted((DEPLOY / "kubernetes" / "base").glob("*.yaml"))
    objects = [item for path in files for item in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return [item for item in objects if item["kind"] != "Kustomization"]


def pods(objects: list[Json]) -> list[Json]:
    return [item["spec"]["template"]["spec"] for item in objects if item["kind"] in {"Deployment", "Job"}]


def test_objects_match_the_schemas(rendered: list[Json]) -> None:
    kinds = {item["kind"] for item in rendered}
    assert kinds == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy", "PodDisruptionBudget",
        "Service",
    }  # fmt: skip
    for item in rendered:
        kubernetes_validate.validate(item, VERSION, strict=True)


def test_selectors_match_their_pods(rendered: list[Json]) -> None:
    (deployment,) = (item for item in rendered if item["kind"] == "Deployment")
    (service,) = (item for item in rendered if item["kind"] == "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"]):
        assert selector
        assert selector.items() <= labels.items()
        # The migration pod gets no requests.
        (job,) = (item for item in rendered if item["kind"] == "Job")
        assert not selector.items() <= job["spec"]["template"]["metadata"]["labels"].items()


def test_every_container_is_hardened(sources: list[Json]) -> None:
    assert len(pods(sources)) == 2
    for pod in pods(sources):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert all("emptyDir" in volume for volume in pod["volumes"])
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_the_grace_period_covers_the_shutdown(sources: list[Json]) -> None:
    (deployment,) = (item for item in sources if item["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pre_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= pre_stop + 5 + 2 * DRAIN_SECONDS + SHUTDOWN_TIMEOUT
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_every_setting_in_the_config_map_exists_and_is_not_a_secret(rendered: list[Json]) -> None:
    (settings,) = (item["data"] for item in rendered if item["kind"] == "ConfigMap")
    assert settings
    assert {name.lower() for name in settings} <= set(Settings.model_fields)
    secret = [name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)]
    assert not {name.lower() for name in settings} & set(secret)


def test_only_the_autoscaler_sets_the_number_of_replicas(rendered: list[Json]) -> None:
    (deployment,) = (item for item in rendered if item["kind"] == "Deployment")
    (scaler,) = (item for item in rendered if item["kind"] == "HorizontalPodAutoscaler")
    (budget,) = (item for item in rendered if item["kind"] == "PodDisruptionBudget")
    assert "replicas" not in deployment["spec"], "`apply` would reset the number of replicas"
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert 1 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
    assert budget["spec"]["maxUnavailable"] == 1, "a node can be drained with a single replica too"


def test_no_pod_starts_without_a_database(sources: list[Json]) -> None:
    for pod in pods(sources):
        for container in pod["containers"]:
            [variable] = [item for item in container["env"] if item["name"] == "DATABASE_URL"]
            assert variable["valueFrom"]["secretKeyRef"]["key"] == "DATABASE_URL"


def test_the_network_policy_selects_every_pod(rendered: list[Json]) -> None:
    (policy,) = (item for item in rendered if item["kind"] == "NetworkPolicy")
    selector = policy["spec"]["podSelector"]["matchLabels"].items()
    assert selector
    for item in rendered:
        if item["kind"] in {"Deployment", "Job"}:
            assert selector <= item["spec"]["template"]["metadata"]["labels"].items()
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_the_overlay_of_the_readme_renders(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl is not installed")
    [overlay] = re.findall("(?s)```yaml\n(.*?)```", (DEPLOY / "README.md").read_text(encoding="utf-8"))
    kustomize = shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    folder = kustomize / "overlays" / "company"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(
        overlay.replace("advisor.example.org", "other.example.net"), encoding="utf-8"
    )
    result = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True, timeout=60)
    objects = list(yaml.safe_load_all(result.stdout))
    for item in objects:
        kubernetes_validate.validate(item, VERSION, strict=True)
    assert "advisor.example.org" not in result.stdout
    assert "https://other.example.net" in result.stdout
    assert {pod["containers"][0]["image"] for pod in pods(objects)} == {"registry.example.org/cm-advisor:0.1.0"}
    assert {item["metadata"]["namespace"] for item in objects} == {"cm-advisor"}


async def test_the_ingress_reaches_every_route_but_the_health_checks(sources: list[Json], tmp_path: Path) -> None:
    (ingress,) = (item for item in sources if item["kind"] == "Ingress")
    (rule,) = ingress["spec"]["rules"]
    routes = [(route["path"], route["pathType"]) for route in rule["http"]["paths"]]

    def is_reached(path: str) -> bool:
        return any(path == route or (kind == "Prefix" and path.startswith(f"{route}/")) for route, kind in routes)

    slack = {
        "slack_signing_secret": "x",
        "slack_client_id": "1.2",
        "slack_client_secret": "x",
        "public_url": "https://x",
    }
    values: Json = {
        **slack,
        "dangerously_allow_unauthenticated_teams": True,
        "database_url": f"sqlite:///{tmp_path}/x.db",
    }
    runner = web.AppRunner(await build(Settings(_env_file=None, **values)))
    await runner.setup()
    paths = {resource.canonical for resource in runner.app.router.resources()}
    await runner.cleanup()
    assert {"/healthz", "/readyz", "/slack/install", "/api/messages"} <= paths
    assert {path for path in paths if not is_reached(path)} == {"/healthz", "/readyz"}
