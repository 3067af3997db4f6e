"""The app manifest to paste at api.slack.com/apps, made from ``manifest.json``.

``deploy/slack/manifest.json`` is the manifest for `PLACEHOLDER`.
"""

import json
from importlib.resources import files
from typing import Any

PLACEHOLDER = "https://YOUR.DOMAIN"

Json = dict[str, Any]


def build_manifest(public_url: str | None, *, socket_mode: bool = False) -> Json:
    """Return the manifest for a server at `public_url`; without one, for Socket Mode and without any URL."""
    manifest: Json = json.loads((files("adapters.slack") / "manifest.json").read_bytes())
    manifest["settings"]["socket_mode_enabled"] = socket_mode or not public_url
    result: Json = _with_url(manifest, public_url.rstrip("/") if public_url else None)
    return result


def _with_url(node: Any, url: str | None) -> Any:
    """Replace the placeholder by `url`; without one, remove the keys whose value contains it."""
    if isinstance(node, dict):
        return {key: _with_url(value, url) for key, value in node.items() if url or not _has_placeholder(value)}
    if isinstance(node, list):
        return [_with_url(item, url) for item in node]
    return node.replace(PLACEHOLDER, url) if url and isinstance(node, str) else node


def _has_placeholder(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, str) and first.startswith(PLACEHOLDER)
