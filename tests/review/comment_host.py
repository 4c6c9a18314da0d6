"""Comments of one request, on an API that answers as GitHub's and GitLab's do."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Host:
    """Comments of one request, and the address of the API that holds them."""

    def __init__(self) -> None:
        self.comments: list[dict] = []
        self.refuses = 0
        self.tokens: set[str] = set()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None: ...

            def answer(self, status: int, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def handle_any(self) -> None:
                host.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                if host.refuses:
                    return self.answer(host.refuses, {"message": "no"})
                parts = urlsplit(self.path)
                if self.command == "GET":
                    asked = {k: int(v[0]) for k, v in parse_qs(parts.query).items()}
                    first = (asked["page"] - 1) * asked["per_page"]
                    return self.answer(200, host.comments[first : first + asked["per_page"]])
                if self.command == "POST":
                    host.comments.append({"id": len(host.comments) + 1, **body})
                    return self.answer(201, host.comments[-1])
                number = int(parts.path.rsplit("/", 1)[-1])
                host.comments[number - 1].update(body)
                return self.answer(200, host.comments[number - 1])

            do_GET = do_POST = do_PATCH = do_PUT = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def github(self) -> dict[str, str]:
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_TOKEN": "planted-token",
        }

    def gitlab(self) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.url,
            "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "7",
            "GITLAB_TOKEN": "planted-token",
        }
