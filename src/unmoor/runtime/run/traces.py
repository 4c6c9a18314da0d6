"""Traces of runs by OpenTelemetry, with its conventions for generative AI, where an endpoint is set.

A run is one span of the kind `invoke_agent`; under it is a span for each tool call and each use of the model. What was
said is not in them: content stays in the run's own events. The exporter's settings are its own OTEL_ variables.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
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
# The names that the conventions have for the spec's providers.
PROVIDERS = {"google": "gcp.gemini", "openai-compatible": "openai"}

Watch = Callable[[dict[str, Any]], None]


def tracing_enabled(environment: Mapping[str, str]) -> bool:
    """Whether traces are to be sent anywhere."""
    return any(environment.get(name) for name in ENDPOINTS)


class Traces:
    """Makes a run's spans out of its events; `flush` sends what is left."""

    def __init__(self, agent: AgentConfig, run: str, session: str, exporter: Any = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": agent.name, "deployment.environment.name": agent.environment})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        # What it says of itself at length, on an output that is not its own, `flush` answers in a word.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter: Any = _Watched(exporter or OTLPSpanExporter(timeout=FLUSH_S))
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("unmoor")
        self._agent = agent
        self._run = run
        self._session = session
        self._root: Any = None
        self._tools: dict[str, Any] = {}
        self._last = 0

    def watch(self, event: Mapping[str, Any]) -> None:
        """One event of the run's, as the journal writes it."""
        at = _nanoseconds(event["at"])
        if self._root is None:
            self._root = self._begin(f"invoke_agent {self._agent.name}", at, self._about_the_run())
        match event["type"]:
            case "tool.call":
                about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": event["name"]}
                span = self._begin(f"execute_tool {event['name']}", at, {**about, "gen_ai.tool.call.id": event["id"]})
                self._tools[event["id"]] = span
            case "tool.result":
                self._end(self._tools.pop(event["id"], None), at, error="tool_error" if event["is_error"] else "")
            case "usage":
                self._used(event, at)
            case "run.finished":
                self._finished(event, at)
            case _:
                pass
        self._last = at

    def flush(self) -> bool:
        """Sends what is left, within a few seconds or not at all; whether all of it was sent."""
        # The SDK's own limits are not kept while it tries again; nothing waits for a thread that is a daemon.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(FLUSH_S)
        return not closing.is_alive() and not self._exporter.failed

    def _about_the_run(self) -> dict[str, str]:
        about = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self._agent.name,
            "unmoor.run.id": self._run,
            "unmoor.harness": self._agent.harness.name,
        }
        if self._session:
            about["gen_ai.conversation.id"] = self._session
        return {**about, **self._about_the_model()}

    def _about_the_model(self) -> dict[str, str]:
        model = self._agent.model
        if model is None:
            return {}
        provider = PROVIDERS.get(model.provider, model.provider)
        return {"gen_ai.provider.name": provider, "gen_ai.request.model": model.name}

    def _used(self, event: Mapping[str, Any], at: int) -> None:
        """The guard says of a use when it is over; it began after whatever happened before it."""
        about = {"gen_ai.operation.name": "chat", **self._about_the_model()}
        span = self._begin(f"chat {event['model']}", self._last or at, about)
        span.set_attributes(_tokens(event["tokens"]))
        self._end(span, at)

    def _finished(self, event: Mapping[str, Any], at: int) -> None:
        for span in self._tools.values():
            self._end(span, at)
        self._root.set_attributes({**_tokens(event["tokens"]), "unmoor.run.status": event["status"]})
        self._end(self._root, at, error="" if event["status"] == "succeeded" else event["status"])

    def _begin(self, name: str, at: int, attributes: Mapping[str, Any]) -> Any:
        from opentelemetry import trace

        above = trace.set_span_in_context(self._root) if self._root is not None else None
        return self._tracer.start_span(name, context=above, start_time=at, attributes=attributes)

    def _end(self, span: Any, at: int, *, error: str = "") -> None:
        from opentelemetry.trace import Status, StatusCode

        if span is None:
            return
        if error:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(at)


class _Watched:
    """An exporter, and whether anything that it was given was not sent."""

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
