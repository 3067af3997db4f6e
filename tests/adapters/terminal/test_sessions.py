"""The sample sessions in deploy/docs/sessions.md are what `cm-advisor chat` prints, except for `[…]`."""

import re
from pathlib import Path

import pytest

from dialogs.translations import languages
from tests.adapters.terminal.test_chat import run_chat

SESSIONS = Path(__file__).parents[3] / "deploy" / "docs" / "sessions.md"
LINES = {
    "fr": ("un appui au référencement", "plutôt oui", "non", "non", "agence", "oui", "3", "1", "détails", "quitter"),
    "en": ("an add-on", "rather yes", "no", "no", "agency", "yes", "3", "1", "details", "quit"),
}


@pytest.mark.parametrize("language", languages())
def test_the_sample_session_is_the_real_output(tmp_path: Path, language: str) -> None:
    text = SESSIONS.read_text(encoding="utf-8")
    (sample,) = re.findall(rf"```text\n\$ cm-advisor chat --lang {language}\n(.*?)```", text, re.DOTALL)
    output = run_chat(tmp_path, *LINES[language], arguments=("--lang", language), COLUMNS="80")
    position = 0
    parts = [part.strip("\n") for part in re.split(r"\n *\[…\]\n", sample)]
    assert len(parts) > 1
    for part in parts:
        assert part in output[position:], part
        position = output.index(part, position) + len(part)
