"""The app manifest an administrator pastes at api.slack.com/apps. ``manifest.json`` beside this is its one source.

``deploy/slack/manifest.json`` is what this makes of it for `PLACEHOLDER`.
"""

import json
from importlib.resources import files
from typing import Any

PLACEHOLDER = "https://YOUR.DOMAIN"

Json = dict[str, Any]


def build_manifest(public_url: str | None, *, socket_mode: bool = False) -> Json:
    """Return the manifest for a server at `public_url`; without one, for Socket Mode and with no address in it."""
    manifest: Json = json.loads((files("adapters.slack") / "manifest.json").read_bytes())
    manifest["settings"]["socket_mode_enabled"] = socket_mode or not public_url
    found: Json = _at(manifest, public_url.rstrip("/") if public_url else None)
    return found


def _at(node: Any, base: str | None) -> Any:
    """Put `base` in the place of the placeholder; what names it is left out when there is none."""
    if isinstance(node, dict):
        return {key: _at(value, base) for key, value in node.items() if base or not _named(value)}
    if isinstance(node, list):
        return [_at(one, base) for one in node]
    return node.replace(PLACEHOLDER, base) if base and isinstance(node, str) else node


def _named(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, str) and first.startswith(PLACEHOLDER)
