"""Clone repositories through the guard, with a credential that never reaches a file, an argument or the harness.

git asks a helper for the credential; the helper is a line of shell that prints a variable of git's own process.
https://git-scm.com/docs/gitcredentials
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.config import Repo
from unmoor.runtime.errors import TransientError, WorkspaceError
from unmoor.runtime.redact import Redact
from unmoor.runtime.subprocesses import run_command

CLONE_S = 600
HELPER = '!f() { test "$1" = get && echo username=x-access-token && echo "password=$UNMOOR_GIT_CREDENTIAL"; }; f'
# Errors of the network or the server, which a retry may fix.
TRANSIENT = re.compile(
    r"could not resolve|connect|timed out|timeout|early eof|rpc failed|"
    r"returned error: (5\d\d|429)|response 50\d|tls|gnutls",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Runs git with this proxy, home folder and PATH; errors are redacted."""

    proxy: str
    home: Path
    path: str
    redact: Redact
    extra: Mapping[str, str]

    async def clone(self, repo: Repo, credential: str, target: Path) -> None:
        """Clone the repository and check out its ref; WorkspaceError or TransientError, in one line, if that fails."""
        if shutil.which("git", path=self.path) is None:
            raise WorkspaceError("context.repos: git is not installed")
        target.parent.mkdir(parents=True, exist_ok=True)
        await self._run(repo, credential, None, "clone", "--quiet", "--no-checkout", "--", repo.url, str(target))
        if repo.ref in ("", "HEAD"):
            return await self._run(repo, "", target, "checkout", "--quiet")
        if not await self._check_out(repo, target):
            await self._run(repo, credential, target, "fetch", "--quiet", "origin", repo.ref)
            await self._run(repo, "", target, "checkout", "--quiet", "FETCH_HEAD")

    async def mirror(self, repo: Repo, credential: str, target: Path) -> None:
        """Clone a bare copy that an existing clone can fetch from."""
        await self._run(repo, credential, None, "clone", "--quiet", "--bare", "--", repo.url, str(target))

    async def _check_out(self, repo: Repo, target: Path) -> bool:
        """Check out the ref if the clone has it as a branch, tag or commit; False if not."""
        for ref in (f"refs/remotes/origin/{repo.ref}", f"refs/tags/{repo.ref}", repo.ref):
            try:
                await self._run(repo, "", target, "rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}")
            except WorkspaceError:
                continue
            await self._run(repo, "", target, "checkout", "--quiet", repo.ref)
            return True
        return False

    async def _run(self, repo: Repo, credential: str, folder: Path | None, *arguments: str) -> None:
        command = ("git", *(("-C", str(folder)) if folder else ()), *arguments)
        try:
            result = await run_command(*command, env=self._environment(credential), timeout_s=CLONE_S)
        except TimeoutError:
            raise TransientError(f"context.repos: {repo.url}: git {arguments[0]} took over {CLONE_S} s") from None
        if result.code:
            raise self._error(repo, result.stderr)

    def _environment(self, credential: str) -> dict[str, str]:
        settings = {"http.followRedirects": "initial", "core.hooksPath": os.devnull, "protocol.allow": "never"}
        settings |= {"protocol.https.allow": "always", "http.proxyAuthMethod": "basic"}
        if credential:
            settings["credential.helper"] = HELPER
        numbered = {f"GIT_CONFIG_KEY_{i}": key for i, key in enumerate(settings)}
        values = {f"GIT_CONFIG_VALUE_{i}": value for i, value in enumerate(settings.values())}
        return {
            "PATH": self.path,
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
            **numbered,
            **values,
            **({"UNMOOR_GIT_CREDENTIAL": credential} if credential else {}),
            **({"https_proxy": self.proxy, "HTTPS_PROXY": self.proxy} if self.proxy else {}),
            **self.extra,
        }

    def _error(self, repo: Repo, stderr: str) -> WorkspaceError | TransientError:
        lines = [line.strip() for line in self.redact(stderr).splitlines() if line.strip()]
        text = f"context.repos: {repo.url}: {lines[-1] if lines else 'git failed without output'}"
        refused = "response 403" in stderr
        return TransientError(text) if TRANSIENT.search(stderr) and not refused else WorkspaceError(text)
