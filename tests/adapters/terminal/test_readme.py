"""The sample sessions in the README are what `cm-advisor chat` prints; what they leave out they mark with […]."""

import re
from pathlib import Path

import pytest

from dialogs.translations import languages
from tests.adapters.terminal.test_chat import piped

README = Path(__file__).parents[3] / "README.md"
TYPED = {
    "fr": ("un appui au référencement", "plutôt oui", "non", "non", "agence", "oui", "3", "1", "", "quitter"),
    "en": ("an extra", "rather yes", "no", "no", "agency", "yes", "3", "1", "", "quit"),
}


@pytest.mark.parametrize("language", languages())
def test_a_sample_session_is_what_is_printed(tmp_path: Path, language: str) -> None:
    (sample,) = re.findall(
        rf"```text\n\$ cm-advisor chat --lang {language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    printed = piped(tmp_path, *TYPED[language], arguments=("--lang", language), COLUMNS="80")
    at = 0
    parts = [part.strip("\n") for part in re.split(r"\n *\[…\]\n", sample)]
    assert len(parts) > 1
    for part in parts:
        assert part in printed[at:], part
        at = printed.index(part, at) + len(part)
