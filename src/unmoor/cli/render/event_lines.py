"""Formats a run's events as lines of text."""

from __future__ import annotations

from typing import Any

MOST_LINES, LONGEST_LINE = 12, 400


def event_lines(event: dict[str, Any]) -> list[str]:
    """An event as labeled lines; none for an event that people need not see."""
    match event["type"]:
        case "run.started":
            model = f", {event['model']}" if event["model"] else ""
            version = "" if event["version"] == "none" else f" {event['version']}"
            return label_lines("run", f"{event['harness']}{version}{model}; {event['confinement']}")
        case "message":
            return label_lines("says", event["text"])
        case "tool.call":
            return label_lines("calls", f"{event['name']} {event['input']}")
        case "tool.result":
            return label_lines("fails" if event["is_error"] else "gets", event["output"])
        case "usage":
            tokens, cost = event["tokens"], event["cost_usd"]
            money = f", {cost} USD" if cost is not None else ""
            about = ", estimated" if event["estimated"] else ""
            return label_lines("uses", f"{tokens['input']} tokens in, {tokens['output']} out{money}{about}")
        case "notice":
            return label_lines(event["level"], event["text"])
        case "network.refused":
            return label_lines("refused", f"{event['destination']}: {event['reason']}")
        case "budget.exceeded":
            return label_lines("spent", f"{event['cap']}: {event['spent_usd']} of {event['limit_usd']} USD")
        case _:
            return []


def label_lines(label: str, text: str) -> list[str]:
    """The text's first lines, with the label before the first."""
    lines = text.strip().splitlines() or [""]
    cut = [f"… ({len(lines) - MOST_LINES} more lines)"] if len(lines) > MOST_LINES else []
    shown = [printable(line[:LONGEST_LINE]) for line in [*lines[:MOST_LINES], *cut]]
    return [f"{label if i == 0 else '':<8} {line}" for i, line in enumerate(shown)]


def printable_lines(text: str) -> str:
    """Lines of ours, each without terminal control characters in what it quotes."""
    return "\n".join(map(printable, text.split("\n")))


def printable(text: str) -> str:
    """The text without terminal control characters: agents repeat what strangers wrote."""
    return "".join(sign if sign.isprintable() or sign == "\t" else "�" for sign in text)
