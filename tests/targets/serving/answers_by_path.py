"""A platform's API on loopback: one answer for each path."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextlib.contextmanager
def routes(answers: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """Serves `METHOD path` as JSON, or text as it is; anything else is a 404 as Azure and Google have it."""
    asked: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            key = f"{self.command} {self.path}"
            asked.append((key, {k.lower(): v for k, v in self.headers.items()}, body))
            values = answers.get(key)
            status = 200 if values is not None else 404
            missing = {"error": {"code": "NotFound", "message": "it was not found"}}
            content = values.encode() if isinstance(values, str) else json.dumps(values or missing).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
