"""Build the app package that an administrator uploads to Teams: a ZIP file of the manifest, its languages and icons.

The same settings make the same bytes. Imports nothing from Microsoft's SDK.
"""

import json
import zipfile
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

LANGUAGES = ("fr", "en")
"""The first one is the default; its texts are in the manifest itself as well."""
ICONS = ("color.png", "outline.png")
LOCALIZATION = "https://developer.microsoft.com/json-schemas/teams/v1.30/MicrosoftTeams.Localization.schema.json"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)

Json = dict[str, Any]


def build_package(  # noqa: PLR0913 - the fields of a manifest
    out: Path,
    app_id: str,
    public_url: str,
    *,
    version: str = "1.0.0",
    developer: str = "CM Advisor",
    website_url: str | None = None,
    privacy_url: str | None = None,
    terms_url: str | None = None,
) -> Path:
    """Write the package to `out`. Raises `ValueError` if the id is not a GUID or `public_url` is not an https URL.

    Without the three URLs, the manifest names ``/``, ``/privacy`` and ``/terms`` below `public_url`.
    """
    domain = urlsplit(public_url).hostname
    if urlsplit(public_url).scheme != "https" or not domain:
        raise ValueError(f"PUBLIC_URL must be an https address, not {public_url!r}")
    base = public_url.rstrip("/")
    values = {
        "app_id": str(UUID(app_id)),
        "version": version,
        "developer": developer,
        "website_url": website_url or f"{base}/",
        "privacy_url": privacy_url or f"{base}/privacy",
        "terms_url": terms_url or f"{base}/terms",
        "domain": domain,
    }
    manifest = _add_texts(_substitute(json.loads(_read("manifest.json")), values), _texts(LANGUAGES[0]))
    contents = {"manifest.json": _json(manifest), **{name: _read(name) for name in ICONS}}
    contents |= {f"{language}.json": _json(_localization(language)) for language in LANGUAGES}
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, data, zipfile.ZIP_DEFLATED)
    _write(out, content.getvalue())
    return out


def _write(path: Path, content: bytes) -> None:
    """Write a file. If that fails, leave none that is half written."""
    existed = path.exists()
    try:
        path.write_bytes(content)
    except OSError:
        if not existed:
            path.unlink(missing_ok=True)
        raise


def manifest_commands(language: str) -> Json:
    """Return the texts of the commands in a language.

    ``commands``: after a mention and in a personal chat; ``slash``: after a slash; ``extension``: the forms, which are
    in the menu of the slash as well.
    """
    texts = _texts(language)
    forms = json.loads(_read("manifest.json"))["composeExtensions"][0]["commands"]
    commands, slash = _command_lists(texts)
    return {
        "commands": commands,
        "slash": slash,
        "extension": [
            {"id": form["id"], "title": title, "description": text}
            for form, (title, text) in zip(forms, texts["extension.commands"], strict=True)
        ],
    }


def _read(name: str) -> bytes:
    return (files("adapters.teams") / "app_files" / name).read_bytes()


def _texts(language: str) -> Json:
    texts: Json = json.loads(_read(f"{language}.json"))
    return texts


def _substitute(node: Any, values: dict[str, str]) -> Any:
    """Replace the placeholders in each text of a JSON value. A setting cannot change the structure of the JSON."""
    if isinstance(node, dict):
        return {key: value if key == "$schema" else _substitute(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_substitute(item, values) for item in node]
    return Template(node).substitute(values) if isinstance(node, str) else node


def _add_texts(manifest: Json, texts: Json) -> Json:
    manifest["name"] = {"short": texts["name.short"], "full": texts["name.full"]}
    manifest["description"] = {"short": texts["description.short"], "full": texts["description.full"]}
    for command_list, commands in zip(manifest["bots"][0]["commandLists"], _command_lists(texts), strict=True):
        command_list["commands"] = commands
    for command, (title, text) in zip(
        manifest["composeExtensions"][0]["commands"], texts["extension.commands"], strict=True
    ):
        command |= {"title": title, "description": text}
    return manifest


def _command_lists(texts: Json) -> tuple[list[Json], list[Json]]:
    """Return the commands after a mention and those after a slash."""
    commands = [{"title": title, "description": text} for title, text in texts["bot.commands"]]
    return commands, [command for command in commands if command["title"] in texts["bot.slash"]]


def _localization(language: str) -> Json:
    texts = _texts(language)
    values: Json = {"$schema": LOCALIZATION, **{key: text for key, text in texts.items() if isinstance(text, str)}}
    forms = [{"title": title, "description": text} for title, text in texts["extension.commands"]]
    lists = {f"bots[0].commandLists[{n}]": commands for n, commands in enumerate(_command_lists(texts))}
    for path, commands in {**lists, "composeExtensions[0]": forms}.items():
        for number, command in enumerate(commands):
            values |= {f"{path}.commands[{number}].{key}": text for key, text in command.items()}
    return values


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
