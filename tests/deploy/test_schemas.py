"""The compose file, the workflows and Dependabot's file against their published schemas."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "compose-spec": [ROOT / "deploy" / "compose.yaml"],
    "github-workflows": sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    "dependabot": [ROOT / ".github" / "dependabot.yml"],
}
BROKEN = {"compose-spec": "services:", "github-workflows": "runs-on:", "dependabot": "directory:"}
"""A required keyword of each."""


def check(schema: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    # The schemas come with the tool: nothing is downloaded. It reads YAML 1.2, where a workflow's "on" is a string.
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("schema", FILES)
def test_files_match_their_schemas(schema: str) -> None:
    assert FILES[schema]
    result = check(schema, *FILES[schema])
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("schema", FILES)
def test_a_misspelled_keyword_fails(schema: str, tmp_path: Path) -> None:
    text = FILES[schema][0].read_text(encoding="utf-8")
    broken = tmp_path / FILES[schema][0].name
    broken.write_text(text.replace(BROKEN[schema], f"x{BROKEN[schema]}", 1), encoding="utf-8")
    result = check(schema, broken)
    assert result.returncode == 1, result.stderr
    assert "Schema validation errors" in result.stdout
