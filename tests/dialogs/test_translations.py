"""`dialogs.translations`: every id in the code has a text, and texts follow the typography of their language."""

import io
import re
import shutil
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dialogs import translations as module
from dialogs.translations import MissingTranslation, language_for_locale, languages, next_language, translations

ROOT = Path(module.__file__).parent.parent
LITERAL = re.compile(
    r'"((?:label|notice|help|review|recommendation|partial|progress|prompt|announcement|list|welcome'
    r'|article|checks|forget|what_if|control|invalid|language|source)\.[a-z_.]+)"'
)


def ids_in_code():
    for folder in ("dialogs", "adapters", "bot"):
        for path in (ROOT / folder).rglob("*.py"):
            yield from ((path.name, id) for id in LITERAL.findall(path.read_text()))


@pytest.mark.parametrize("language", languages())
def test_every_id_in_the_code_has_a_text(language):
    t = translations(language)
    missing = [(file, id) for file, id in ids_in_code() if id not in t and not has_plural(t, id)]
    assert not missing


def test_the_default_language_can_be_chosen(monkeypatch):
    assert translations("de").language == "fr"
    monkeypatch.setattr(module, "_default_language", "fr")  # restored afterwards
    try:
        module.set_default_language("en")
        assert translations("de").language == "en"
        with pytest.raises(ValueError, match="no catalogs for 'de', only for fr, en"):
            module.set_default_language("de")
        assert module.default_language() == "en"
    finally:
        translations.cache_clear()


def has_plural(text, id):
    try:
        return bool(text.plural(id, 1) and text.plural(id, 5))
    except (MissingTranslation, KeyError):
        return False


def all_texts(language):
    t = translations(language)
    return [(id, t(id)) for id in sorted(t.ids())]


def test_french_typography():
    for id, text in all_texts("fr"):
        assert "'" not in text, id
        assert not re.search(r"(?<![\u00a0\u202f\s])[;!?»]", text), (id, text)
        assert not re.search(r" [:;!?»]|« ", text), (id, text)
        assert not re.search(r"\btu\b|\bton\b|\btes\b", text), (id, text)


def test_english_typography():
    for id, text in all_texts("en"):
        if "`" not in text:
            assert "'" not in text, id
            assert '"' not in text, id
        assert not re.search(r"[\u00a0\u202f]", text) or id.startswith("article."), (id, text)


@pytest.mark.parametrize(
    ("locale", "language"),
    [("fr-FR", "fr"), ("fr_CA", "fr"), ("en", "en"), ("EN-gb", "en"), ("tlh-QO", None), ("", None), (None, None)],
)
def test_language_for_locale(locale, language):
    assert language_for_locale(locale) == language


def test_missing_text_and_language():
    with pytest.raises(MissingTranslation):
        translations("fr")("no.such.id")
    assert translations("tlh").language == "fr"
    assert translations("fr").plural("notice.restart", 1) != translations("fr").plural("notice.restart", 3)


@pytest.fixture
def third_language(tmp_path, monkeypatch):
    """Add a language, Latin, with the English texts."""
    shutil.copytree(module.LOCALES_DIR, tmp_path / "locales")
    latin = tmp_path / "locales" / "la"
    shutil.copytree(module.LOCALES_DIR / "en", latin)
    for path in latin.rglob("dialog.po"):
        path.write_text(path.read_text().replace('msgstr "English"', 'msgstr "Latina"'))
        (tmp_path / "dialog.mo").write_bytes(compiled(path))
        (tmp_path / "dialog.mo").replace(path.with_suffix(".mo"))
    with monkeypatch.context() as patched:
        patched.setattr(module, "LOCALES_DIR", tmp_path / "locales")
        clear_caches()
        yield
    clear_caches()


def compiled(path):
    output = io.BytesIO()
    with path.open("rb") as source:
        write_mo(output, read_po(source))
    return output.getvalue()


def clear_caches():
    for cached in (languages, translations):
        cached.cache_clear()


@pytest.mark.usefixtures("third_language")
def test_language_switch_reaches_every_language():
    assert {"fr", "en", "la"} <= set(languages())
    assert sorted(map(next_language, languages())) == sorted(languages())
    for language in languages():
        next_name = translations(next_language(language))("language.own")
        assert translations(language)("label.language") == next_name != translations(language)("language.own")
    assert language_for_locale("la-VA") == "la"
