"""The README's table of settings matches `bot.settings`."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import GROUPS, Settings
from deploy import settings_table

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_has_the_current_table() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert settings_table.insert_table(text) == text, "run `make settings`"


def test_every_setting_is_listed_in_a_group() -> None:
    table = settings_table.table()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert not field.description.endswith("."), name
        assert table.count(f"| `{name.upper()}` |") == 1
    assert set(GROUPS) <= set(Settings.model_fields)
    assert next(iter(Settings.model_fields)) in GROUPS
    assert "| `PORT` | `3978` |" in table
    assert "`SingleTenant` or `UserAssignedMSI`" in table


def test_the_command_writes_only_between_the_markers(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    before, after = f"a\n{settings_table.BEGIN}\n", f"{settings_table.END}\n\\1 b\n"
    file.write_text(f"{before}old\n{after}", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "deploy.settings_table", str(file)], cwd=ROOT, check=True, timeout=60)
    assert file.read_text(encoding="utf-8") == f"{before}{settings_table.table()}\n{after}"
    with pytest.raises(ValueError, match="markers"):
        settings_table.insert_table("none")
