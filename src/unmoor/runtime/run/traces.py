"""Exports a run's OpenTelemetry traces, in the conventions for generative AI, if an endpoint is set.

A run is an `invoke_agent` span with a child span for each tool call and model request, without their content. OTEL_
variables configure the exporter. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from unmoor.runtime.config import AgentConfig

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_S = 3
# The conventions' names of the spec's providers.
PROVIDERS = {"google": "gcp.gemini", "openai-compatible": "openai"}

Watch = Callable[[dict[str, Any]], None]


def tracing_enabled(environment: Mapping[str, str]) -> bool:
    return any(environment.get(name) for name in ENDPOINTS)


class Traces:
    """Builds a run's spans from its events."""

    def __init__(self, agent: AgentConfig, run: str, session: str, exporter: Any = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": agent.name, "deployment.environment.name": agent.environment})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        # The SDK logs every failed export; `flush` reports failures instead.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter: Any = _FailureTracker(exporter or OTLPSpanExporter(timeout=FLUSH_S))
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("unmoor")
        self._agent = agent
        self._run = run
        self._session = session
        self._root: Any = None
        self._tools: dict[str, Any] = {}
        self._last = 0

    def watch(self, event: Mapping[str, Any]) -> None:
        """Receives an event of the run."""
        at = _nanoseconds(event["at"])
        if self._root is None:
            self._root = self._start_span(f"invoke_agent {self._agent.name}", at, self._run_attributes())
        match event["type"]:
            case "tool.call":
                about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": event["name"]}
                about["gen_ai.tool.call.id"] = event["id"]
                self._tools[event["id"]] = self._start_span(f"execute_tool {event['name']}", at, about)
            case "tool.result":
                self._end_span(self._tools.pop(event["id"], None), at, error="tool_error" if event["is_error"] else "")
            case "usage":
                self._add_usage(event, at)
            case "run.finished":
                self._finish(event, at)
            case _:
                pass
        self._last = at

    def flush(self) -> bool:
        """Sends the remaining spans within FLUSH_S; whether all were sent."""
        # The SDK exceeds its own time limits while it retries; nothing waits for a daemon thread.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(FLUSH_S)
        return not closing.is_alive() and not self._exporter.failed

    def _run_attributes(self) -> dict[str, str]:
        about = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self._agent.name,
            "unmoor.run.id": self._run,
            "unmoor.harness": self._agent.harness.name,
        }
        if self._session:
            about["gen_ai.conversation.id"] = self._session
        return {**about, **self._model_attributes()}

    def _model_attributes(self) -> dict[str, str]:
        model = self._agent.model
        if model is None:
            return {}
        provider = PROVIDERS.get(model.provider, model.provider)
        return {"gen_ai.provider.name": provider, "gen_ai.request.model": model.name}

    def _add_usage(self, event: Mapping[str, Any], at: int) -> None:
        """The guard reports a request at its end; it began after the previous event."""
        about = {"gen_ai.operation.name": "chat", **self._model_attributes()}
        span = self._start_span(f"chat {event['model']}", self._last or at, about)
        span.set_attributes(_tokens(event["tokens"]))
        self._end_span(span, at)

    def _finish(self, event: Mapping[str, Any], at: int) -> None:
        for span in self._tools.values():
            self._end_span(span, at)
        self._root.set_attributes({**_tokens(event["tokens"]), "unmoor.run.status": event["status"]})
        self._end_span(self._root, at, error="" if event["status"] == "succeeded" else event["status"])

    def _start_span(self, name: str, at: int, attributes: Mapping[str, Any]) -> Any:
        from opentelemetry import trace

        above = trace.set_span_in_context(self._root) if self._root is not None else None
        return self._tracer.start_span(name, context=above, start_time=at, attributes=attributes)

    def _end_span(self, span: Any, at: int, *, error: str = "") -> None:
        from opentelemetry.trace import Status, StatusCode

        if span is None:
            return
        if error:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(at)


class _FailureTracker:
    """An exporter that remembers failures."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.failed = False

    def export(self, spans: Any) -> Any:
        from opentelemetry.sdk.trace.export import SpanExportResult

        result = self._inner.export(spans)
        self.failed = self.failed or result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return bool(self._inner.force_flush(timeout_millis))


def _tokens(tokens: Mapping[str, int]) -> dict[str, int]:
    return {"gen_ai.usage.input_tokens": tokens["input"], "gen_ai.usage.output_tokens": tokens["output"]}


def _nanoseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1_000_000_000)
