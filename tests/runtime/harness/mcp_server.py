"""A small MCP server with one tool: over stdio when it is run, over HTTP in a thread. https://modelcontextprotocol.io"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOL = {
    "name": "fakeping",
    "description": "Answers with pong",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


def answer(message: Mapping[str, Any], secret: str) -> dict[str, Any] | None:
    """What a message is answered with: nothing if it asks for nothing, an error if it is not known."""
    if "id" not in message:
        return None
    head = {"jsonrpc": "2.0", "id": message["id"]}
    match message.get("method"):
        case "initialize":
            version = message["params"]["protocolVersion"]
            server = {"name": "echo", "version": "1"}
            return {**head, "result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}}
        case "tools/list":
            return {**head, "result": {"tools": [TOOL]}}
        case "tools/call":
            said = f"pong {message['params']['arguments']['text']} {secret}"
            return {**head, "result": {"content": [{"type": "text", "text": said}]}}
        case "ping":
            return {**head, "result": {}}
        case other:
            return {**head, "error": {"code": -32601, "message": f"no method {other}"}}


@contextmanager
def http_server(secret: str) -> Iterator[str]:
    """The server over HTTP, at this URL; it wants the secret as a bearer token and tells it to the tool's caller."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["authorization"] != f"Bearer {secret}":
                return self.reply(401, None)
            found = answer(json.loads(body), secret)
            self.reply(202 if found is None else 200, found)

        def do_GET(self) -> None:
            self.reply(405, None)

        do_DELETE = do_GET

        def reply(self, status: int, value: Any) -> None:
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            if body:
                self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    for line in sys.stdin:
        if (said := answer(json.loads(line), os.environ["MCP_SECRET"])) is not None:
            print(json.dumps(said), flush=True)
