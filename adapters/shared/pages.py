"""Pages for a browser: small, without script, in the language that the browser asks for."""

import base64
import hashlib
import html
import re

from aiohttp import web

from dialogs.translations import Translations, default_language, language_for_locale, translations

MAX_LANGUAGES = 20
_STYLE = """body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;
color-scheme:light dark}h1{font-size:1.6rem}"""
_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<h1>{title}</h1>{paragraphs}</html>
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    # Nothing is loaded, framed or sent from here; the one style is known by its hash.
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address may hold the code of an installation
}


def translations_for(request: web.Request) -> Translations:
    """Return the texts in the language of ``Accept-Language`` with the highest weight that is available."""
    found: dict[str, float] = {}
    for each in request.headers.get("Accept-Language", "").split(",")[:MAX_LANGUAGES]:
        locale, _, parameter = each.partition(";")
        if language := language_for_locale(locale.strip()):
            weight = _weight(parameter)
            found[language] = max(weight, found.get(language, weight))
    best = max(found, key=found.__getitem__, default="")
    return translations(best if found.get(best) else default_language())


def _weight(parameter: str) -> float:
    """Return the weight in ``q=0.8``: 1 when it is missing, 0 when it cannot be read."""
    name, _, value = parameter.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    return float(value) if re.fullmatch(r"\s*(0(\.\d{0,3})?|1(\.0{0,3})?)\s*", value) else 0.0


def page(request: web.Request, id: str, status: int = 200, *links: str) -> web.Response:
    """Return the page whose texts are ``{id}.title`` and ``{id}.text``, a paragraph a line, then links."""
    t = translations_for(request)
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in t(f"{id}.text").splitlines())
    paragraphs += "".join(f'<p><a href="{html.escape(link)}">{html.escape(link)}</a></p>' for link in links)
    title = html.escape(t(f"{id}.title"))
    html_text = _PAGE.format(language=t.language, style=_STYLE, title=title, paragraphs=paragraphs)
    return web.Response(text=html_text, status=status, content_type="text/html", headers=_HEADERS)
