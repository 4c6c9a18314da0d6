"""The page about triggers: each sender's example is sent as it is written there, and is believed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from gateways import gateway
from ruamel.yaml import YAML
from senders import KEY, SECRET

from unmoor.runtime.gateway.triggers.webhooks.schemes import SCHEMES

PAGE = (Path(__file__).parents[3] / "docs" / "triggers.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```yaml\n(webhook:.*?)```\n\n```sh\n(.*?)```", re.DOTALL)
EXAMPLES = [(YAML(typ="safe").load(spec)["webhook"], shell) for spec, shell in BLOCK.findall(PAGE)]
BODY = {
    "object_attributes": {"action": "open"},
    "event": {"type": "app_mention"},
    "type": "charge.dispute.created",
}
NEEDED = ("bash", "curl", "openssl", "od")


def scheme_of(webhook: dict[str, Any]) -> str:
    verify = webhook["verify"]
    return verify if isinstance(verify, str) else verify["scheme"]


def test_there_is_an_example_for_every_scheme() -> None:
    assert sorted(scheme_of(webhook) for webhook, _ in EXAMPLES) == sorted([*SCHEMES, "none"])


@pytest.mark.skipif(
    any(shutil.which(name) is None for name in NEEDED),
    reason=f"needs {', '.join(NEEDED)}: the page's examples use them",
)
@pytest.mark.parametrize(("webhook", "shell"), EXAMPLES, ids=[scheme_of(webhook) for webhook, _ in EXAMPLES])
def test_an_example_is_believed_as_it_is_written_and_with_no_other_secret(
    tmp_path: Path, webhook: dict[str, Any], shell: str
) -> None:
    secret, other = (KEY, KEY[:-4] + "AAA=") if scheme_of(webhook) == "standard-webhooks" else (SECRET, "another")
    names = {webhook["verify"]["secret"]: secret} if isinstance(webhook["verify"], dict) else {}
    (tmp_path / ".curlrc").write_text('silent\noutput = "/dev/null"\nwrite-out = "%{http_code}"\n')

    async def sent(url: str, secret: str) -> str:
        env = {"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path), "HOME": str(tmp_path)}
        env |= {"URL": url, "SECRET": secret, "BODY": json.dumps(BODY), "no_proxy": "*"}
        process = await asyncio.create_subprocess_exec("bash", "-eu", "-c", shell, env=env, stdout=-1)
        said, _ = await asyncio.wait_for(process.communicate(), 30)
        return said.decode()

    async def act() -> None:
        trigger = {"name": "one", "prompt": "p", "webhook": webhook}
        async with gateway(tmp_path / "agent", triggers=[trigger], secrets=names) as client:
            assert await sent(f"{client.url}/hooks/one", secret) == "202"
            assert await sent(f"{client.url}/hooks/one", other) == ("401" if names else "202")

    asyncio.run(act())
