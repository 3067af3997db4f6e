"""Pages for a browser: small, without script, in the language that the browser asks for."""

import base64
import hashlib
import html

from aiohttp import web

from dialogs.translations import DEFAULT_LANGUAGE, Translations, language_for_locale, translations

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
    """Return the texts in the first language of ``Accept-Language`` that is available."""
    wanted = (each.split(";")[0].strip() for each in request.headers.get("Accept-Language", "").split(","))
    return translations(next((found for each in wanted if (found := language_for_locale(each))), DEFAULT_LANGUAGE))


def page(request: web.Request, id: str, status: int = 200, *links: str) -> web.Response:
    """Return the page whose texts are ``{id}.title`` and ``{id}.text``, a paragraph a line, then links."""
    t = translations_for(request)
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in t(f"{id}.text").splitlines())
    paragraphs += "".join(f'<p><a href="{html.escape(link)}">{html.escape(link)}</a></p>' for link in links)
    title = html.escape(t(f"{id}.title"))
    html_text = _PAGE.format(language=t.language, style=_STYLE, title=title, paragraphs=paragraphs)
    return web.Response(text=html_text, status=status, content_type="text/html", headers=_HEADERS)
