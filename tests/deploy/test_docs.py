"""The documentation names only files, links and make targets that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "deploy").rglob("*.md")])
FOLDERS = ("adapters", "bot", "deploy", "dialogs", "tests")
NOT_IN_GIT = ("deploy/secrets", "deploy/kubernetes/overlays/company")


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"(?ms)^```.*?^```$", "", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_exist(page: Path) -> None:
    text = prose(page)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not (page.parent / link).exists()]
    paths = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", text)
    missing += [path for path in paths if not path.startswith(NOT_IN_GIT) and not (ROOT / path).exists()]
    assert not missing


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    targets |= {"lint", "types", "imports", "locales", "prove", "pytest"}
    for page in PAGES:
        for command in re.findall(r"(?:`|^    )make ((?:[a-z-]+ ?)+)(?=[`#\n A-Z])", prose(page), re.MULTILINE):
            assert set(command.split()) <= targets, f"{page.name}: make {command}"
