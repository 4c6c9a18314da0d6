"""An agent on this machine: compiled, put into a local store, and run with the guard in the same process."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from unmoor.errors import Problem, SpecError
from unmoor.plan import Plan
from unmoor.plan.bundle import pack
from unmoor.plan.local_secrets import local_value, missing_secret_problem
from unmoor.runtime.guard.build import open_guard
from unmoor.runtime.harness.installed import HarnessInstallation
from unmoor.runtime.redact import redactor
from unmoor.runtime.run.context import RunContext
from unmoor.runtime.run.lifecycle import execute_run
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.run.traces import tracing_enabled
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle, unpack_bundle
from unmoor.runtime.state.new_run import new_queued_run
from unmoor.runtime.state.retention import delete_expired
from unmoor.runtime.state.run_record import RunRecord, create_run_record
from unmoor.runtime.store import Store, open_store, verify_store
from unmoor.spec.load import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAgent:
    """An agent ready to run here: its store, unpacked bundle, secrets by name, and programs. `sweeping` deletes expired
    runs; only a store in the agent's own folder is swept."""

    plan: Plan
    store: Store
    bundle: UnpackedBundle
    secrets: Mapping[str, str]
    programs: HarnessInstallation
    work_root: Path
    sweeping: bool

    async def run_once(
        self, prompt: str, *, session: str, stop: Stop, watch: Callable[[dict[str, Any]], None]
    ) -> RunRecord:
        """Runs the agent once with this prompt and returns its final record."""
        now = datetime.now(UTC)
        if self.sweeping:
            await delete_expired(self.store, now=now, keep_s=self.plan.retention.runs_s)
        model = self.bundle.agent.model
        key = self.secrets[model.api_key] if model else ""
        async with open_guard(self.bundle.agent, key=key, store=self.store) as way:
            # Created only now: a guard that refuses to start must leave no queued run.
            record = self.new_run(prompt, session, now)
            await create_run_record(self.store, record)
            host = RunContext(
                store=self.store,
                bundle=self.bundle,
                secrets=self.secrets,
                guard=way,
                work_root=self.work_root,
                in_image=False,
                programs=self.programs,
                owner=f"dev-{os.getpid()}-{token_hex(4)}",
                watch=watch,
                traced=tracing_enabled(os.environ),
            )
            return await execute_run(record.id, host, stop)

    def new_run(self, prompt: str, session: str, now: datetime) -> RunRecord:
        """A new run with this prompt, not yet in any store."""
        redact = redactor(self.secrets)
        texts = {"prompt": redact(_text(prompt)), "session": redact(_text(session))}
        return new_queued_run(self.bundle, keys.run_id(now), now, trigger="dev", kind="dev", **texts)


async def prepare_local_agent(
    loaded: Loaded, *, secrets: Mapping[str, str], store_url: str, programs: HarnessInstallation, folder: Path
) -> LocalAgent:
    """Puts the spec's bundle into the store, by default one in the agent's folder, and returns the agent."""
    own = (folder / "store").as_uri()
    url = store_url or own
    home = folder / "work" / workspace_folder_name(url)
    archive = pack(loaded.plan)
    digest = hashlib.sha256(archive).hexdigest()
    store = open_store(url)
    await verify_store(store)
    await store.put_if_absent(keys.bundle_key(digest), archive)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix="bundle-", dir=home))
    return LocalAgent(
        plan=loaded.plan,
        store=store,
        bundle=unpack_bundle(archive, digest, folder),
        secrets=secrets,
        programs=programs,
        work_root=home,
        sweeping=url == own,
    )


def workspace_folder_name(url: str) -> str:
    """The folder for the workspaces of that store's runs: sessions of the same key in two stores, or in the memory
    stores of two processes, are different sessions."""
    own = f" {os.getpid()}" if url.startswith("memory:") else ""
    return hashlib.sha256(f"{url}{own}".encode()).hexdigest()[:8]


def secret_values(loaded: Loaded, *, serving: bool = False) -> dict[str, str]:
    """The values, by name, of the secrets of a run, its guard and, if served, the triggers; SpecError names every
    missing one."""
    values: dict[str, str] = {}
    missing: list[Problem] = []
    triggers = loaded.plan.trigger_secrets if serving else frozenset[str]()
    for secret in loaded.plan.secrets:
        if not {"run", "guard"} & set(secret.holders) and secret.name not in triggers:
            continue
        value = local_value(secret, loaded.file.parent)
        if value:
            values[secret.name] = value
        else:
            missing.append(missing_secret_problem(secret))
    if missing:
        raise SpecError(loaded.with_positions(missing))
    return values


def scrub_environment(loaded: Loaded) -> None:
    """Removes the secrets from this process's environment, so that no child process inherits them."""
    for secret in loaded.plan.secrets:
        os.environ.pop(secret.variable, None)
        if secret.source == "env":
            os.environ.pop(secret.reference, None)


def _text(argument: str) -> str:
    """A command-line argument, which may be any bytes, as valid text."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
