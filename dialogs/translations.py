"""Texts by id, in every language: one folder per language under ``locales``, one gettext catalog per surface.

The format is gettext because translation tools and Python itself read it. Babel compiles the catalogs when the
package is built; this module needs the standard library only. Messages are looked up by id, never by sentence.
"""

import gettext
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

LOCALES_DIR = Path(__file__).parent / "locales"
FIRST_LANGUAGE = "fr"
"""Listed first, and the default language unless `set_default_language` says otherwise."""
_default_language = FIRST_LANGUAGE


class MissingTranslation(KeyError):
    """The catalogs of a language do not have this id."""


class Translations:
    """Every text of one language: ``t = translations("fr"); t("label.back")``."""

    def __init__(self, language: str, catalogs: tuple[gettext.GNUTranslations, ...]) -> None:
        self.language = language
        self._catalogs = catalogs
        self._messages: dict[str, str] = {}
        for catalog in catalogs:
            messages: Mapping[str | tuple[str, int], str] = catalog._catalog  # type: ignore[attr-defined]
            self._messages |= {id: text for id, text in messages.items() if isinstance(id, str) and id}

    def __contains__(self, id: str) -> bool:
        return id in self._messages

    def ids(self) -> frozenset[str]:
        """Return the ids of all messages without plural forms."""
        return frozenset(self._messages)

    def __call__(self, id: str, /, **values: object) -> str:
        """Return a message with its ``{placeholders}`` filled.

        Raises `MissingTranslation` for an unknown id and `KeyError` for a missing value.
        """
        try:
            message = self._messages[id]
        except KeyError:
            raise MissingTranslation(f"{self.language}: {id}") from None
        return message.format(**values) if values else message

    def plural(self, id: str, count: int, /, **values: object) -> str:
        """Return the plural form of a message for `count`, which fills ``{count}``. Raises `MissingTranslation`."""
        for catalog in self._catalogs:
            message = catalog.ngettext(id, "", count)
            if message not in {id, ""}:
                return message.format(count=count, **values)
        raise MissingTranslation(f"{self.language}: {id}")


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the languages that have a folder, French first."""
    codes = {path.parts[-3] for pattern in ("*.po", "*.mo") for path in LOCALES_DIR.glob(f"*/LC_MESSAGES/{pattern}")}
    return tuple(sorted(codes, key=lambda code: (code != FIRST_LANGUAGE, code)))


def default_language() -> str:
    """Return the language for people whose own is not available."""
    return _default_language


def set_default_language(language: str) -> None:
    """Set the default language of this process, once at its start. Raises `ValueError` if it is not available."""
    global _default_language  # noqa: PLW0603 - texts are needed everywhere, this setting in five places
    if language not in languages():
        raise ValueError(f"no catalogs for {language!r}, only for {', '.join(languages())}")
    _default_language = language
    translations.cache_clear()


@lru_cache(maxsize=32)
def translations(language: str) -> Translations:
    """Return the texts of `language`, or of the default language if it is not available."""
    if language not in languages():
        return translations(default_language())
    t = Translations(language, _catalogs(language))
    # The label of the button that switches the language is the name of the next language, in that language.
    t._messages["label.language"] = Translations("", _catalogs(next_language(language)))("language.own")
    return t


def _catalogs(language: str) -> tuple[gettext.GNUTranslations, ...]:
    catalogs = []
    for path in sorted((LOCALES_DIR / language / "LC_MESSAGES").glob("*.mo")):
        with path.open("rb") as file:
            catalogs.append(gettext.GNUTranslations(file))
    return tuple(catalogs)


def next_language(language: str) -> str:
    """Return the language that the switch offers. Repeated use goes through all of them."""
    codes = languages()
    return codes[(codes.index(language) + 1) % len(codes)]


def language_for_locale(locale: str | None) -> str | None:
    """Return the language for a locale such as ``fr-CA`` or ``en_US``; None if it is not available."""
    code = (locale or "").replace("_", "-").split("-")[0].lower()
    return code if code in languages() else None
