"""What other machines read: the compose file, the workflows and Dependabot's, by the schemas published for them."""

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
"""A word that each cannot do without."""


def check(schema: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    # Schemas that come with the tool: nothing is fetched. It reads YAML 1.2, in which a workflow's "on" is a word.
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("schema", FILES)
def test_they_are_what_their_schemas_say(schema: str) -> None:
    assert FILES[schema]
    found = check(schema, *FILES[schema])
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("schema", FILES)
def test_a_slip_would_be_found(schema: str, tmp_path: Path) -> None:
    said = FILES[schema][0].read_text(encoding="utf-8")
    slip = tmp_path / FILES[schema][0].name
    slip.write_text(said.replace(BROKEN[schema], f"x{BROKEN[schema]}", 1), encoding="utf-8")
    found = check(schema, slip)
    assert found.returncode == 1, found.stderr
    assert "Schema validation errors" in found.stdout
