"""The app manifest: valid by Slack's schema, and asking for what the code uses and no more."""

import json
from pathlib import Path

import jsonschema
import pytest

from adapters.slack import OPTIONAL_SCOPES, SCOPES

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = json.loads((ROOT / "deploy/slack/manifest.json").read_text())
SCHEMAS = ROOT.parent / "shared/slack-manifest-schema"


def test_it_is_valid_by_slacks_own_schema() -> None:
    if not SCHEMAS.exists():
        pytest.skip("Slack's manifest schema lies beside the repository, and is not here")
    versions = sorted(SCHEMAS.glob("manifest.schema.*.*.*.json"))
    wanted = next(each for each in versions if f".{MANIFEST['_metadata']['major_version']}." in each.name)
    jsonschema.validate(MANIFEST, json.loads(wanted.read_text()))


def test_it_asks_for_the_scopes_of_the_code_each_with_a_reason() -> None:
    assert sorted(MANIFEST["oauth_config"]["scopes"]["bot"]) == sorted((*SCOPES, *OPTIONAL_SCOPES))
    assert MANIFEST["oauth_config"]["scopes"]["bot_optional"] == sorted(OPTIONAL_SCOPES)
    reasons = (ROOT / "deploy/slack/README.md").read_text()
    for scope in (*SCOPES, *OPTIONAL_SCOPES):
        assert f"| `{scope}` |" in reasons


def test_it_says_how_to_use_the_command() -> None:
    command = MANIFEST["features"]["slash_commands"][0]
    assert command["usage_hint"]
    assert len(command["description"]) > 10
    assert len(MANIFEST["display_information"]["name"]) <= 35
    assert len(MANIFEST["display_information"]["description"]) <= 140
