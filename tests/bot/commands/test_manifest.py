"""The manifests, created with the command line."""

import json
import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters.slack.manifest import PLACEHOLDER, build_manifest
from bot.cli import main
from bot.commands.manifest import _version

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT.parent / "shared/slack-manifest-schema"
ID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
URL = "https://advisor.example.org"


@pytest.fixture(autouse=True)
def _unreadable_setting(no_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment and no .env, except one setting that cannot be read."""
    monkeypatch.setenv("PORT", "many")
    monkeypatch.chdir(tmp_path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["manifest", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def valid(manifest: Any) -> None:
    if not SCHEMAS.exists():
        pytest.skip(f"needs Slack's manifest schema, which this repository does not contain, in {SCHEMAS}")
    jsonschema.validate(manifest, json.loads((SCHEMAS / "manifest.schema.1.0.0.json").read_text()))


def test_the_file_for_slack_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "slack", "--public-url", PLACEHOLDER]) == 0
    output = capsys.readouterr()
    assert (output.out, output.err) == ((ROOT / "deploy/slack/manifest.json").read_text(), "")
    valid(json.loads(output.out))


def test_the_slack_manifest_has_the_public_url(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", f"{URL}/below/")
    manifest = printed(capsys, "slack")
    assert "YOUR.DOMAIN" not in json.dumps(manifest)
    assert manifest["oauth_config"]["redirect_urls"] == [f"{URL}/below/slack/oauth_redirect"]
    assert manifest["settings"]["interactivity"]["request_url"] == f"{URL}/below/slack/events"
    assert manifest["settings"]["socket_mode_enabled"] is False
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-secret")
    manifest = printed(capsys, "slack", "--public-url", "https://other.example.org")
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["features"]["slash_commands"][0]["url"] == "https://other.example.org/slack/events"


def test_without_a_public_url_the_manifest_is_for_socket_mode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "slack"]) == 0
    output = capsys.readouterr()
    manifest = json.loads(output.out)
    assert "Socket Mode" in output.err
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "https:" not in output.out
    assert manifest["settings"]["event_subscriptions"]["bot_events"]
    valid(manifest)


def test_building_a_manifest_does_not_change_the_source() -> None:
    assert build_manifest(None) == build_manifest(None)
    assert build_manifest(URL, socket_mode=True) != build_manifest(URL)


@pytest.mark.parametrize("url", ["http://localhost:3978", "advisor.example.org"])
def test_an_invalid_public_url(capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str) -> None:
    out = str(tmp_path / "app.zip")
    for arguments in (["slack"], ["teams", "--out", out, "--app-id", ID]):
        assert main(["manifest", *arguments, "--public-url", url]) == 2
        output = capsys.readouterr()
        assert (output.out, output.err.count("\n")) == ("", 1)
        assert "must be the https:// URL" in output.err
    assert not os.path.exists(out)


def test_the_package_for_teams(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "app.zip"
    assert main(["manifest", "teams", "--out", str(out), "--app-id", ID, "--public-url", f"{URL}/"]) == 0
    output = capsys.readouterr()
    assert str(out) in output.out
    assert f"{URL}/api/messages" in output.out
    with zipfile.ZipFile(out) as package:
        manifest = json.loads(package.read("manifest.json"))
    assert manifest["bots"][0]["botId"] == ID
    assert manifest["validDomains"] == ["advisor.example.org"]


def test_all_missing_settings_of_teams_are_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = str(tmp_path / "app.zip")
    assert main(["manifest", "teams", "--out", out]) == 2
    assert [line.split(" ")[0] for line in capsys.readouterr().err.splitlines()] == ["MICROSOFT_APP_ID", "PUBLIC_URL"]
    assert main(["manifest", "teams", "--out", out, "--app-id", "12", "--public-url", URL]) == 2
    assert capsys.readouterr().err.startswith("MICROSOFT_APP_ID (or --app-id) must be")
    assert main(["manifest", "teams", "--out", str(tmp_path), "--app-id", ID, "--public-url", URL]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_version_of_the_package_grows() -> None:
    now = datetime(2026, 11, 28, 23, 59, 58, tzinfo=UTC)
    versions = [_version(now + timedelta(seconds=seconds)) for seconds in (0, 2, 4, 86_400, 86_400 * 3650)]
    parts = [tuple(map(int, version.split("."))) for version in versions]
    assert parts == sorted(set(parts))
    assert all(number < 65_536 for part in parts for number in part)
    assert parts[0] > (1, 0, 0), "the version of earlier packages"
