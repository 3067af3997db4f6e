"""`make audit` against a fake OSV server."""

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
VULNERABILITY = {
    "id": "GHSA-test",
    "summary": "A planted vulnerability",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"name": "planted", "ecosystem": "PyPI"}, "ranges": [], "versions": ["1.0"]}],
}


@pytest.fixture
def osv() -> Iterator[str]:
    """Serve a database with one vulnerability; give its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(405)

        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": [VULNERABILITY]} if query["package"]["name"] == "planted" else {}).encode()
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
    env = {key: value for key, value in os.environ.items() if key != "CI" and not key.lower().endswith("_proxy")}
    command = [sys.executable, str(ROOT / "deploy" / "audit.py"), *locks]
    return subprocess.run(
        command, cwd=ROOT, env=env | {"OSV_URL": url} | more, capture_output=True, text=True, check=False
    )


def test_no_vulnerability_exits_with_0(osv: str) -> None:
    result = audit(osv, "requirements.lock", "deploy/requirements.lock")
    assert result.returncode == 0, result.stderr
    assert "No known vulnerabilities found" in result.stderr


def test_a_vulnerability_exits_with_1(osv: str, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"planted==1.0 --hash=sha256:{'0' * 64}\n")
    result = audit(osv, str(lock))
    assert result.returncode == 1
    assert "GHSA-test" in result.stdout


@pytest.mark.parametrize(("more", "status"), [({}, 0), ({"CI": "true"}, 1)])
def test_an_unreachable_database_is_reported_and_fails_only_in_ci(more: dict[str, str], status: int) -> None:
    result = audit("http://127.0.0.1:9/v1/query", "requirements.lock", **more)
    assert result.returncode == status
    assert "Not audited" in result.stderr
    assert "refused" in result.stderr
