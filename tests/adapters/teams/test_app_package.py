"""The app package: valid by Microsoft's schema and by the further rules of the store."""

import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

from adapters.teams.app_package import LANGUAGES, build_package, manifest_commands
from dialogs.community_flow import FLOW
from dialogs.text.parse import Command, QuickCheck, parse
from tests.npm import package

ID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
URL = "https://advisor.example.org/"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(build_package(tmp_path / "app.zip", ID, URL)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_same_settings_make_the_same_bytes(tmp_path: Path) -> None:
    first = build_package(tmp_path / "1.zip", ID, URL).read_bytes()
    assert build_package(tmp_path / "2.zip", ID, URL).read_bytes() == first


def test_valid_against_microsofts_schema(files: dict[str, bytes]) -> None:
    folder = package("@microsoft/app-manifest", "1.1.2") / "build/json-schemas/teams/v1.30"
    for name, schema in (
        ("manifest.json", "MicrosoftTeams.schema.json"),
        ("fr.json", "MicrosoftTeams.Localization.schema.json"),
        ("en.json", "MicrosoftTeams.Localization.schema.json"),
    ):
        checker = jsonschema.Draft7Validator(json.loads((folder / schema).read_text(encoding="utf-8-sig")))
        assert [error.message for error in checker.iter_errors(json.loads(files[name]))] == []


def test_manifest_is_consistent(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    assert manifest["id"] == manifest["bots"][0]["botId"] == manifest["composeExtensions"][0]["botId"] == ID
    assert manifest["validDomains"] == ["advisor.example.org"]
    assert manifest["bots"][0]["scopes"] == ["personal", "team", "groupChat"]
    addresses = [url for key, url in manifest["developer"].items() if key.endswith("Url")]
    assert all(url.startswith(URL) for url in addresses)
    for name in ("fr.json", "en.json"):
        texts = json.loads(files[name])
        for banned in ("teams", "chat", "help", "slack"):
            assert banned not in (texts["name.short"] + texts["name.full"]).lower()
        assert "slack" not in files[name].decode().lower()
    assert set(json.loads(files["fr.json"])) == set(json.loads(files["en.json"])), "complete in both languages"


def test_commands_after_a_slash_and_a_mention(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    (bot,) = manifest["bots"]
    assert bot["supportsTargetedMessages"], "without it there are no slash commands"
    mention, slash = bot["commandLists"]
    assert (mention["triggers"], slash["triggers"]) == (["mention"], ["slash"])
    assert slash["scopes"] == ["team", "groupChat"], "a personal chat has none"
    titles = {
        language: [command["title"] for command in manifest_commands(language)["slash"]] for language in LANGUAGES
    }
    assert titles == {
        "fr": ["diagnostic", "diagnostic oui non oui", "formulaire", "mes diagnostics", "aide"],
        "en": ["check", "check yes no yes", "form", "my checks", "help"],
    }
    assert [command["title"] for command in slash["commands"]] == titles["fr"]
    english = json.loads(files["en.json"])
    assert [english[f"bots[0].commandLists[1].commands[{n}].title"] for n in range(5)] == titles["en"]
    (form,) = manifest["composeExtensions"][0]["commands"]
    assert form["triggers"] == ["slash"]
    assert all("type" not in command for command in mention["commands"]), "prompt starters or a welcome, not both"


def test_private_and_shared_channels_are_supported(files: dict[str, bytes]) -> None:
    assert json.loads(files["manifest.json"])["supportsChannelFeatures"] == "tier1"


def test_every_command_is_parsed(files: dict[str, bytes]) -> None:
    for name in ("fr.json", "en.json"):
        texts = json.loads(files[name])
        titles = [title for key, title in texts.items() if key.startswith("bots[0]") and key.endswith("title")]
        assert len(titles) == 8 + 5
        for title in set(titles):
            text = title.removeprefix("check").removeprefix("diagnostic").strip()
            assert not text or isinstance(parse(text, FLOW, None), Command | QuickCheck), title


@pytest.mark.parametrize(("name", "size"), [("color.png", 192), ("outline.png", 32)])
def test_icons(files: dict[str, bytes], name: str, size: int) -> None:
    assert files[name][:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">2I", files[name][16:24]) == (size, size)


@pytest.mark.parametrize(("id", "url"), [("x", URL), (ID, "http://advisor.example.org"), (ID, "advisor"), (ID, "")])
def test_wrong_settings(tmp_path: Path, id: str, url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own message for one of them
        build_package(tmp_path / "app.zip", id, url)


def test_building_does_not_import_the_sdk() -> None:
    code = "import sys, adapters.teams.app_package, adapters.teams; print(any('botbuilder' in m for m in sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
