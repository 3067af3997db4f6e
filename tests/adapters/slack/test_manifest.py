"""The app manifest: valid by Slack's schema, with the scopes that the code uses."""

import json
from pathlib import Path

import jsonschema
import pytest

from adapters.slack import OPTIONAL_SCOPES, SCOPES

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = json.loads((ROOT / "deploy/slack/manifest.json").read_text())
SCHEMAS = ROOT.parent / "shared/slack-manifest-schema"


def test_manifest_is_valid_by_slacks_schema() -> None:
    if not SCHEMAS.exists():
        pytest.skip("Slack's manifest schema is not part of the repository")
    versions = sorted(SCHEMAS.glob("manifest.schema.*.*.*.json"))
    major = MANIFEST["_metadata"]["major_version"]
    schema = next(path for path in versions if f".{major}." in path.name)
    jsonschema.validate(MANIFEST, json.loads(schema.read_text()))


def test_scopes_are_those_of_the_code_and_documented() -> None:
    assert sorted(MANIFEST["oauth_config"]["scopes"]["bot"]) == sorted((*SCOPES, *OPTIONAL_SCOPES))
    assert MANIFEST["oauth_config"]["scopes"]["bot_optional"] == sorted(OPTIONAL_SCOPES)
    reasons = (ROOT / "deploy/slack/README.md").read_text()
    for scope in (*SCOPES, *OPTIONAL_SCOPES):
        assert f"| `{scope}` |" in reasons


def test_command_has_a_usage_hint() -> None:
    command = MANIFEST["features"]["slash_commands"][0]
    assert command["usage_hint"]
    assert len(command["description"]) > 10
    assert len(MANIFEST["display_information"]["name"]) <= 35
    assert len(MANIFEST["display_information"]["description"]) <= 140
