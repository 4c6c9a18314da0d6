"""Shipped tests: record a graph without an engine, judge it by rules, inherit the conformance suite."""
