"""`make audit` against a stand-in of the database of weaknesses."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BAD = {
    "id": "GHSA-test",
    "summary": "A planted weakness",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"name": "planted", "ecosystem": "PyPI"}, "ranges": [], "versions": ["1.0"]}],
}


@pytest.fixture
def osv() -> Iterator[str]:
    """The address of a database that knows one weakness."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(405)

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": [BAD]} if asked["package"]["name"] == "planted" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()


def audit(url: str, *locks: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key != "CI" and not key.lower().endswith("_proxy")}
    command = [sys.executable, str(ROOT / "deploy" / "audit.py"), *locks]
    return subprocess.run(
        command, cwd=ROOT, env=kept | {"OSV_URL": url} | more, capture_output=True, text=True, check=False
    )


def test_nothing_is_known_against_nothing_known(osv: str) -> None:
    found = audit(osv, "requirements.lock", "deploy/requirements.lock")
    assert found.returncode == 0, found.stderr
    assert "No known vulnerabilities found" in found.stderr


def test_a_weakness_fails(osv: str, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"planted==1.0 --hash=sha256:{'0' * 64}\n")
    found = audit(osv, str(lock))
    assert found.returncode == 1
    assert "GHSA-test" in found.stdout


@pytest.mark.parametrize(("more", "status"), [({}, 0), ({"CI": "true"}, 1)])
def test_out_of_reach_is_said_and_fails_in_ci_alone(more: dict[str, str], status: int) -> None:
    found = audit("http://127.0.0.1:9/v1/query", "requirements.lock", **more)
    assert found.returncode == status
    assert "Not audited" in found.stderr
    assert "refused" in found.stderr
