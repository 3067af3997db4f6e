"""The objects that kustomize makes: valid to Kubernetes' own schemas, and as safe as the server expects."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from aiohttp import web

from bot.server import DRAIN, build
from bot.settings import Settings
from bot.telemetry.tracing import LAST

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
        assert all("emptyDir" in volume for volume in pod["volumes"])
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
    assert pod["terminationGracePeriodSeconds"] >= before + 5 + 2 * DRAIN + LAST
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_every_setting_named_is_one(rendered: list[Json]) -> None:
    (settings,) = (one["data"] for one in rendered if one["kind"] == "ConfigMap")
    assert settings
    assert {name.lower() for name in settings} <= set(Settings.model_fields)
    secret = [name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)]
    assert not {name.lower() for name in settings} & set(secret)


def test_the_autoscaler_alone_says_how_many(rendered: list[Json]) -> None:
    (deployment,) = (one for one in rendered if one["kind"] == "Deployment")
    (scaler,) = (one for one in rendered if one["kind"] == "HorizontalPodAutoscaler")
    (budget,) = (one for one in rendered if one["kind"] == "PodDisruptionBudget")
    assert "replicas" not in deployment["spec"], "`apply` would set back what was scaled"
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert 1 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
    assert budget["spec"]["maxUnavailable"] == 1, "a node can be emptied, however few there are"


def test_nothing_starts_without_a_database(sources: list[Json]) -> None:
    for pod in pods(sources):
        for container in pod["containers"]:
            [variable] = [each for each in container["env"] if each["name"] == "DATABASE_URL"]
            assert variable["valueFrom"]["secretKeyRef"]["key"] == "DATABASE_URL"


def test_every_pod_is_behind_the_network_policy(rendered: list[Json]) -> None:
    (policy,) = (one for one in rendered if one["kind"] == "NetworkPolicy")
    wanted = policy["spec"]["podSelector"]["matchLabels"].items()
    assert wanted
    for one in rendered:
        if one["kind"] in {"Deployment", "Job"}:
            assert wanted <= one["spec"]["template"]["metadata"]["labels"].items()
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_the_overlay_that_the_readme_gives_is_ones_own(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl is not installed")
    [overlay] = re.findall("(?s)```yaml\n(.*?)```", (DEPLOY / "README.md").read_text(encoding="utf-8"))
    kustomize = shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    ours = kustomize / "overlays" / "ours"
    ours.mkdir()
    (ours / "kustomization.yaml").write_text(
        overlay.replace("advisor.example.org", "own.example.net"), encoding="utf-8"
    )
    made = subprocess.run([kubectl, "kustomize", str(ours)], capture_output=True, text=True, check=True, timeout=60)
    objects = list(yaml.safe_load_all(made.stdout))
    for one in objects:
        kubernetes_validate.validate(one, VERSION, strict=True)
    assert "advisor.example.org" not in made.stdout
    assert "https://own.example.net" in made.stdout
    assert {pod["containers"][0]["image"] for pod in pods(objects)} == {"registry.example.org/cm-advisor:0.1.0"}
    assert {one["metadata"]["namespace"] for one in objects} == {"cm-advisor"}


async def test_outside_only_what_people_and_platforms_ask_for_is_reached(sources: list[Json], tmp_path: Path) -> None:
    (ingress,) = (one for one in sources if one["kind"] == "Ingress")
    (rule,) = ingress["spec"]["rules"]
    ways = [(way["path"], way["pathType"]) for way in rule["http"]["paths"]]

    def reached(path: str) -> bool:
        return any(path == way or (kind == "Prefix" and path.startswith(f"{way}/")) for way, kind in ways)

    slack = {
        "slack_signing_secret": "x",
        "slack_client_id": "1.2",
        "slack_client_secret": "x",
        "public_url": "https://x",
    }
    known: Json = {
        **slack,
        "dangerously_allow_unauthenticated_teams": True,
        "database_url": f"sqlite:///{tmp_path}/x.db",
    }
    runner = web.AppRunner(await build(Settings(_env_file=None, **known)))
    await runner.setup()
    paths = {resource.canonical for resource in runner.app.router.resources()}
    await runner.cleanup()
    assert {"/healthz", "/readyz", "/slack/install", "/api/messages"} <= paths
    assert {path for path in paths if not reached(path)} == {"/healthz", "/readyz"}
