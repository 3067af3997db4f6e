"""The app package an administrator uploads to Teams: the manifest, its languages and two icons, in one ZIP file.

Imports nothing of Microsoft's. The same settings make the same bytes.
"""

import json
import zipfile
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

LANGUAGES = ("fr", "en")
"""The default first: its words are in the manifest itself, too."""
ICONS = ("color.png", "outline.png")
LOCALIZATION = "https://developer.microsoft.com/json-schemas/teams/v1.22/MicrosoftTeams.Localization.schema.json"
_WHEN = (1980, 1, 1, 0, 0, 0)

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
    """Write the package to `out`. Raises `ValueError` for an id that is no GUID or an address that is not https.

    The pages it names are ``/``, ``/privacy`` and ``/terms`` below `public_url`, unless given.
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
    manifest = _with_words(_filled(json.loads(_read("manifest.json")), values), _words(LANGUAGES[0]))
    contents = {"manifest.json": _json(manifest), **{name: _read(name) for name in ICONS}}
    contents |= {f"{language}.json": _json(_localization(language)) for language in LANGUAGES}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out


def manifest_commands(language: str) -> Json:
    """Return what people can type and open, in a language: ``commands`` and ``extension``, each with its words."""
    words = _words(language)
    forms = zip(
        json.loads(_read("manifest.json"))["composeExtensions"][0]["commands"], words["extension.commands"], strict=True
    )
    return {
        "commands": [{"title": title, "description": text} for title, text in words["bot.commands"]],
        "extension": [{"id": form["id"], "title": title} for form, (title, _) in forms],
    }


def _read(name: str) -> bytes:
    return (files("adapters.teams") / "app_files" / name).read_bytes()


def _words(language: str) -> Json:
    found: Json = json.loads(_read(f"{language}.json"))
    return found


def _filled(node: Any, values: dict[str, str]) -> Any:
    """Fill the placeholders, text by text, so that no setting can break out of its own."""
    if isinstance(node, dict):
        return {key: value if key == "$schema" else _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(one, values) for one in node]
    return Template(node).substitute(values) if isinstance(node, str) else node


def _with_words(manifest: Json, words: Json) -> Json:
    manifest["name"] = {"short": words["name.short"], "full": words["name.full"]}
    manifest["description"] = {"short": words["description.short"], "full": words["description.full"]}
    commands = [{"title": title, "description": text} for title, text in words["bot.commands"]]
    manifest["bots"][0]["commandLists"][0]["commands"] = commands
    for command, (title, text) in zip(
        manifest["composeExtensions"][0]["commands"], words["extension.commands"], strict=True
    ):
        command |= {"title": title, "description": text}
    return manifest


def _localization(language: str) -> Json:
    words = _words(language)
    found: Json = {"$schema": LOCALIZATION, **{key: text for key, text in words.items() if isinstance(text, str)}}
    for place, key in (("bots[0].commandLists[0]", "bot.commands"), ("composeExtensions[0]", "extension.commands")):
        for number, (title, text) in enumerate(words[key]):
            found[f"{place}.commands[{number}].title"] = title
            found[f"{place}.commands[{number}].description"] = text
    return found


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
