"""A run's spans arrive at a collector before the run's process ends."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from runs import Bench, shell

from unmoor.runtime.run.traces import Traces, tracing_enabled

pytestmark = pytest.mark.process


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps every span that it is sent."""

    spans: list[Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        self.spans.extend(s for r in request.resource_spans for c in r.scope_spans for s in c.spans)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    spans: list[Any] = []
    handler = type("Own", (Collector,), {"spans": spans})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    yield spans
    server.shutdown()
    thread.join()
    server.server_close()


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


def events(*of: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"n": n, "at": f"2026-11-24T20:15:0{n}+00:00", **e} for n, e in enumerate(of)]


TOKENS = {"input": 1200, "cached_input": 200, "cache_write": 0, "output": 34, "reasoning": 0}


def test_a_run_is_a_span_with_its_tools_and_model_calls_under_it(tmp_path: Path, collector: list[Any]) -> None:
    agent = Bench(tmp_path, shell("true"))._bundle().agent
    traces = Traces(agent, "run-1", "pr-7")
    for event in events(
        {"type": "run.started"},
        {"type": "usage", "model": "m", "tokens": TOKENS},
        {"type": "tool.call", "id": "a", "name": "bash", "input": "{}"},
        {"type": "tool.result", "id": "a", "output": "", "is_error": True},
        {"type": "run.finished", "status": "failed", "tokens": TOKENS},
    ):
        traces.watch(event)
    traces.flush()
    by_name = {s.name: s for s in collector}
    root, chat, tool = by_name["invoke_agent agent"], by_name["chat m"], by_name["execute_tool bash"]
    assert chat.parent_span_id == tool.parent_span_id == root.span_id
    assert attributes(root)["gen_ai.conversation.id"] == "pr-7"
    assert attributes(root)["unmoor.run.status"] == "failed"
    assert attributes(chat)["gen_ai.usage.input_tokens"] == 1200
    assert attributes(tool)["gen_ai.operation.name"] == "execute_tool"
    assert (root.status.code, tool.status.code, chat.status.code) == (2, 2, 0)
    assert root.end_time_unix_nano - root.start_time_unix_nano == 4_000_000_000


def test_a_run_that_is_traced_has_sent_its_span_when_it_is_over(tmp_path: Path, collector: list[Any]) -> None:
    run = Bench(tmp_path, shell("echo hello"), traced=True).run()
    assert [attributes(s)["unmoor.run.id"] for s in collector] == [run.record.id]


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
    ],
)
def test_traces_are_sent_only_where_an_endpoint_is_set(environment: dict[str, str], sent: bool) -> None:
    assert tracing_enabled(environment) is sent


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "nonsense://x y", ""])
def test_a_collector_that_is_away_costs_a_run_a_few_seconds_and_a_line(tmp_path: Path, endpoint: str) -> None:
    from agent_process import Agent, ended, silent_guard
    from runs import shell

    with silent_guard() as guard, silent_guard() as silent:
        agent = Agent(
            tmp_path,
            shell("echo hi"),
            guard_url=guard,
            environment={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint or silent},
        )
        run = agent.queued()
        began = time.monotonic()
        code, _, err = ended(agent.start(run))
    assert (code, agent.record(run).status) == (0, "succeeded")
    assert err == "could not export all traces; check that OTEL_EXPORTER_OTLP_ENDPOINT is correct and reachable\n"
    assert time.monotonic() - began < 8
