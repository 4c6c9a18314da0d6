"""The rights of who deploys, as files: those of the fullest example that each target takes."""

from __future__ import annotations

import json
from pathlib import Path

from docs_targets import own_targets

from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target.choose import select_target


def deployer_files(folder: Path, examples: Path) -> dict[Path, str]:
    """Each target's policy or role, by its place."""
    return {folder / f"{name}.json": _document(name, examples) for name in own_targets()}


def _document(target: str, examples: Path) -> str:
    for example in sorted(examples.glob("[0-9]*"), reverse=True):
        loaded = load(example)
        chosen = select_target(loaded, target) if target in loaded.settings else None
        if chosen is not None and chosen.target.deployer_policy_by and not chosen.problems():
            found = chosen.target.deployer_policy(loaded.plan, chosen.settings, compile_graph(chosen))
            return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    raise SystemExit(f"docs_deployer.py: no example is taken by {target}")
