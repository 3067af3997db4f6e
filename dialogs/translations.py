"""The words, apart from the routing: one folder a language under ``locales``, one gettext catalogue a surface.

gettext, because its catalogues are read by every translation tool and by Python itself: Babel compiles them when the
package is built, and this module needs the standard library alone. Messages are looked up by id, never by sentence.
"""

import gettext
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

LOCALES_DIR = Path(__file__).parent / "locales"
DEFAULT_LANGUAGE = "fr"


class MissingTranslation(KeyError):
    """No catalogue of a language has this id."""


class Translations:
    """Everything that can be said in one language. Get one from `translations`."""

    def __init__(self, language: str, catalogues: tuple[gettext.GNUTranslations, ...]) -> None:
        self.language = language
        self._catalogues = catalogues
        self._messages: dict[str, str] = {}
        for catalogue in catalogues:
            known: Mapping[str | tuple[str, int], str] = catalogue._catalog  # type: ignore[attr-defined]
            self._messages |= {id: text for id, text in known.items() if isinstance(id, str) and id}

    def __contains__(self, id: str) -> bool:
        return id in self._messages

    def ids(self) -> frozenset[str]:
        """Return the ids of all messages without plural forms."""
        return frozenset(self._messages)

    def __call__(self, id: str, /, **values: object) -> str:
        """Return a message, its ``{placeholders}`` filled. Raises `MissingTranslation`, `KeyError` for a missing
        value.
        """
        try:
            message = self._messages[id]
        except KeyError:
            raise MissingTranslation(f"{self.language}: {id}") from None
        return message.format(**values) if values else message

    def plural(self, id: str, count: int, /, **values: object) -> str:
        """Return the plural form of a message for `count`, which fills ``{count}``. Raises `MissingTranslation`."""
        for catalogue in self._catalogues:
            message = catalogue.ngettext(id, "", count)
            if message not in {id, ""}:
                return message.format(count=count, **values)
        raise MissingTranslation(f"{self.language}: {id}")


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the languages there is a folder for, the default first."""
    found = {path.parts[-3] for path in LOCALES_DIR.glob("*/LC_MESSAGES/*.po")}
    found |= {path.parts[-3] for path in LOCALES_DIR.glob("*/LC_MESSAGES/*.mo")}
    return tuple(sorted(found, key=lambda language: (language != DEFAULT_LANGUAGE, language)))


@lru_cache(maxsize=32)
def translations(language: str) -> Translations:
    """Return the words of `language`; of the default language where there are none."""
    if language not in languages():
        return translations(DEFAULT_LANGUAGE)
    found = Translations(language, _catalogues(language))
    # The button that switches: the other language's own word for itself.
    found._messages["label.language"] = Translations("", _catalogues(next_language(language)))("language.own")
    return found


def _catalogues(language: str) -> tuple[gettext.GNUTranslations, ...]:
    catalogues = []
    for path in sorted((LOCALES_DIR / language / "LC_MESSAGES").glob("*.mo")):
        with path.open("rb") as file:
            catalogues.append(gettext.GNUTranslations(file))
    return tuple(catalogues)


def next_language(language: str) -> str:
    """Return the language that a switch offers next: each in turn, so that every one can be had."""
    known = languages()
    return known[(known.index(language) + 1) % len(known)]


def language_for_locale(locale: str | None) -> str | None:
    """Return the language to use for a locale such as ``fr-CA`` or ``en_US``; None where there is none."""
    wanted = (locale or "").replace("_", "-").split("-")[0].lower()
    return wanted if wanted in languages() else None
