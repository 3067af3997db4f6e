"""The catalogues: every id the code names is there, every text reads as its language is written."""

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
    r'"((?:label|notice|help|review|recommendation|verdict|progress|prompt|announcement|list|welcome'
    r'|article|checks|forget|what_if|control|invalid|language|source)\.[a-z_.]+)"'
)


def named_in_code():
    for folder in ("dialogs", "adapters", "bot"):
        for path in (ROOT / folder).rglob("*.py"):
            yield from ((path.name, id) for id in LITERAL.findall(path.read_text()))


@pytest.mark.parametrize("language", languages())
def test_every_id_named_in_the_code_has_its_text(language):
    t = translations(language)
    missing = [(file, id) for file, id in named_in_code() if id not in t and not has_plural(t, id)]
    assert not missing


def has_plural(text, id):
    try:
        return bool(text.plural(id, 1) and text.plural(id, 5))
    except (MissingTranslation, KeyError):
        return False


def every_text(language):
    t = translations(language)
    return [(id, t(id)) for id in sorted(t.ids())]


def test_french_is_set_as_french_is():
    for id, text in every_text("fr"):
        assert "'" not in text, id
        assert not re.search(r"(?<![\u00a0\u202f\s])[;!?»]", text), (id, text)
        assert not re.search(r" [:;!?»]|« ", text), (id, text)
        assert not re.search(r"\btu\b|\bton\b|\btes\b", text), (id, text)


def test_english_is_set_as_english_is():
    for id, text in every_text("en"):
        if "`" not in text:
            assert "'" not in text, id
            assert '"' not in text, id
        assert not re.search(r"[\u00a0\u202f]", text) or id.startswith("article."), (id, text)


@pytest.mark.parametrize(
    ("locale", "language"),
    [("fr-FR", "fr"), ("fr_CA", "fr"), ("en", "en"), ("EN-gb", "en"), ("tlh-QO", None), ("", None), (None, None)],
)
def test_the_language_of_a_locale(locale, language):
    assert language_for_locale(locale) == language


def test_a_text_that_is_not_there():
    with pytest.raises(MissingTranslation):
        translations("fr")("no.such.id")
    assert translations("tlh").language == "fr"
    assert translations("fr").plural("progress.more", 1) != translations("fr").plural("progress.more", 3)


@pytest.fixture
def with_a_third_language(tmp_path, monkeypatch):
    """Another language is one more catalogue: Latin, which says everything in English."""
    shutil.copytree(module.LOCALES_DIR, tmp_path / "locales")
    latin = tmp_path / "locales" / "la"
    shutil.copytree(module.LOCALES_DIR / "en", latin)
    for path in latin.rglob("dialog.po"):
        path.write_text(path.read_text().replace('msgstr "English"', 'msgstr "Latina"'))
        (tmp_path / "dialog.mo").write_bytes(compiled(path))
        (tmp_path / "dialog.mo").replace(path.with_suffix(".mo"))
    with monkeypatch.context() as patched:
        patched.setattr(module, "LOCALES_DIR", tmp_path / "locales")
        forget()
        yield
    forget()


def compiled(path):
    made = io.BytesIO()
    with path.open("rb") as source:
        write_mo(made, read_po(source))
    return made.getvalue()


def forget():
    for cached in (languages, translations):
        cached.cache_clear()


@pytest.mark.usefixtures("with_a_third_language")
def test_the_switch_of_languages_reaches_every_one():
    assert {"fr", "en", "la"} <= set(languages())
    assert sorted(map(next_language, languages())) == sorted(languages())
    for language in languages():
        offered = translations(next_language(language))("language.own")
        assert translations(language)("label.language") == offered != translations(language)("language.own")
    assert language_for_locale("la-VA") == "la"
