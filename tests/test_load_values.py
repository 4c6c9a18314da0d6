"""Values that cannot be meant, or that would harm whoever reads them later, each answered with one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor.errors import SpecError
from unmoor.spec.load import load

HEAD = "name: agent\nharness: {name: command, command: [cat]}\n"
HOOK = "triggers: [{name: one, prompt: p, webhook: {verify: none, when: %s}}]"
MAIL = "secrets: {pw: {env: PW}}\ntriggers: [{name: one, prompt: p, email: {imap: '%s', user: u, password: pw, allow_from: [a@b.c]}}]"
CLAUDE = "name: agent\nharness: {name: claude-code}\nmodel: {provider: anthropic, name: m, api_key: %s}\n"
IMAGE = "write a reference such as registry.example.com/agent:1.0, with @sha256: and its digest to pin it"


def problems(folder: Path, text: str | bytes) -> list[str]:
    file = folder / "unmoor.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError) as caught:
        load(file)
    return [line.replace(f"{file}:", "") for line in str(caught.value).splitlines()]


VALUES = [
    ("run:", "4:1: run: null is not allowed here; it must be a mapping"),
    ("run: {max_concurrent: 010}", "4:7: run.max_concurrent: '010' is not allowed here; it must be a valid integer"),
    ("resources: {cpu: .nan}", "4:18: resources.cpu: .nan is not a finite number; write a number"),
    (
        "resources: {cpu: 0.0001}",
        "4:13: resources.cpu: '0.0001' is not allowed here; it must have no more than 3 decimal places",
    ),
    ("resources: {memory: 65Ti}", "4:13: resources.memory: 65Ti is larger than any machine; write 64Ti or less"),
    ("run: {timeout: 36501d}", "4:7: run.timeout: 36501d is over a hundred years; write 36500d or less"),
    ("image: a b", f"4:1: image: 'a b' has the wrong format; {IMAGE}"),
    ("image: x@sha256:12", f"4:1: image: 'x@sha256:12' has the wrong format; {IMAGE}"),
    ("image: https://x/y", f"4:1: image: 'https://x/y' has the wrong format; {IMAGE}"),
    ("image: []", "4:1: image: a list is not allowed here; it must be a valid string or a mapping"),
    ("network: {egress: none}", "4:11: network.egress: 'none' is not allowed here; it must be a valid list or any"),
    (
        "network: {egress: [169.254.169.254]}",
        "4:20: network.egress[0]: '169.254.169.254' has the wrong format; write a host name such as api.example.com, or *.example.com",
    ),
    (
        "network: {domain: 192.0.2.1}",
        "4:11: network.domain: '192.0.2.1' has the wrong format; write a host name such as agent.example.com",
    ),
    (
        "context: {repos: [{url: 'https://x.example.com/o/r', ref: '--upload-pack=x'}]}",
        "4:54: context.repos[0].ref: '--upload-pack=x' has the wrong format; write a branch, tag or commit",
    ),
    (
        "context: {repos: [{url: 'https://x.example.com/'}]}",
        "4:20: context.repos[0].url: 'https://x.example.com/' has the wrong format; write an https URL without credentials, such as https://github.com/owner/name",
    ),
    (
        f"context: {{files: [{{source: {'a' * 300}}}]}}",
        f"4:20: context.files[0].source: '{'a' * 58}… cannot be read: File name too long; correct the path or its permissions",
    ),
    (MAIL % "h:99999", "5:43: triggers[0].email.imap: 99999 is not a port; write 1 to 65535"),
    (
        MAIL % "127.0.0.1:993",
        "5:43: triggers[0].email.imap: 127.0.0.1 does not say which server verifies senders; add email.authserv_id, the first name in the mailbox's Authentication-Results",
    ),
    (
        MAIL % "co.uk",
        "5:43: triggers[0].email.imap: co.uk does not say which server verifies senders; add email.authserv_id, the first name in the mailbox's Authentication-Results",
    ),
    (
        MAIL % "a..b",
        "5:43: triggers[0].email.imap: 'a..b' has the wrong format; write a host name, with :port if it is not the default port",
    ),
    (
        HOOK % "{body.a: []}",
        "4:66: triggers[0].webhook.when['body.a']: the list is empty, so nothing would start a run; list a value",
    ),
    (
        HOOK % "{body.a: {}}",
        "4:66: triggers[0].webhook.when['body.a']: a mapping is not allowed here; it must be a valid string or a valid integer or a valid boolean or a valid list",
    ),
    (
        "triggers: [{name: one, prompt: p, webhook: {verify: nope}}]",
        "4:45: triggers[0].webhook.verify: 'nope' is not allowed here; it must be a mapping or none",
    ),
    (
        "secrets: {a: {env: A=B}}",
        "4:15: secrets.a.env: the value has the wrong format; write A-Z, a-z, 0-9 and _, not beginning with a digit",
    ),
    ("secrets: {a: {existing: false}}", "4:15: secrets.a.existing: false is not allowed; write true"),
    (
        "environments: {default: {}}",
        "4:16: environments.default: default is the name of the spec without an environment; move these values up or rename it",
    ),
    (
        "environments: {Prod: {}}",
        "4:16: environments.Prod: 'Prod' has the wrong format; write a-z, 0-9 and -, beginning with a letter and not ending with -",
    ),
    ('"a\'b": x', """4:1: ["a'b"]: unknown key "a'b"; known keys: version"""),
    ("run: &a {<<: *a}", "4:6: run: << merges a mapping into itself; merge another mapping"),
    ('description: "\\0"', "4:14: description: the text holds the character U+0000; remove it"),
    ('description: "\\ud800"', "4:14: description: the text holds the character U+D800; remove it"),
    ("description: \x07", "4:14: spec: it holds the character U+0007, which YAML does not allow; remove it"),
]


@pytest.mark.parametrize(("line", "expected"), VALUES, ids=range(len(VALUES)))
def test_a_value_that_cannot_be_meant_is_one_line(tmp_path: Path, line: str, expected: str) -> None:
    found = problems(tmp_path, f"version: 1\n{HEAD}{line}\n")
    assert expected in [text[: len(expected)] for text in found]


@pytest.mark.parametrize("version", ["1.0", "true", "'1'"])
def test_a_version_is_the_number_one_alone(tmp_path: Path, version: str) -> None:
    text = version.strip("'")
    assert problems(tmp_path, f"version: {version}\n{HEAD}") == [
        f"1:1: version: '{text}' is not a valid version; write 1"
    ]


@pytest.mark.parametrize(
    "line",
    [
        CLAUDE % "sk-key-0123456789-0123456789-0123456789",
        f"{HEAD}secrets: {{a: sk-key-0123456789}}",
        f"{HEAD}secrets: {{a: {{env: 'sk key 0123456789'}}}}",
        f"{HEAD}context: {{repos: [{{url: 'https://me:sk-key-0123456789@x.example.com/o/r'}}]}}",
        f"{HEAD}tools: {{mcp_servers: {{x: {{url: 'https://x.y', headers: {{A: \"sk-key-0123456789\\nb\"}}}}}}}}",
    ],
)
def test_what_may_be_a_secret_is_not_repeated_in_an_error(tmp_path: Path, line: str) -> None:
    found = "\n".join(problems(tmp_path, f"version: 1\n{line}\n"))
    assert "the value" in found
    assert "0123456789" not in found


def test_the_models_key_is_nothing_else(tmp_path: Path) -> None:
    text = f"version: 1\n{CLAUDE % 'key'}secrets: {{key: {{env: KEY}}}}\ngateway: {{token: key}}\n"
    assert problems(tmp_path, text) == [
        "5:11: secrets.key: gateway and guard would both hold key; declare a separate secret for each"
    ]


@pytest.mark.parametrize("cron", [f"{'9' * 5000} * * * *", f"1-{'9' * 5000} * * * *"])
def test_a_number_without_end_is_no_minute(tmp_path: Path, cron: str) -> None:
    trigger = f"triggers: [{{name: one, prompt: p, schedule: {{cron: '{cron}'}}}}]"
    [found] = problems(tmp_path, f"version: 1\n{HEAD}{trigger}\n")
    assert found.endswith("… is not a valid minute; write 0 to 59")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfversion: 1\nname: agent\nharness: {name: command, command: [cat]}\n",
        b"version: 1\r\nname: agent\r\nharness: {name: command, command: [cat]}\r\n",
        b"%YAML 1.2\n---\nversion: 1\nname: agent\nharness: {name: command, command: [cat]}\n...\n",
    ],
)
def test_a_mark_of_byte_order_windows_lines_and_a_directive_are_fine(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "unmoor.yaml").write_bytes(content)
    assert load(tmp_path).plan.agent == "agent"


def test_a_character_in_two_escapes_is_one(tmp_path: Path) -> None:
    (tmp_path / "unmoor.yaml").write_text(f'version: 1\n{HEAD}description: "\\ud83d\\ude00"\n')
    assert load(tmp_path).plan.description == "\U0001f600"


@pytest.mark.parametrize("reference", ["ubuntu", "ubuntu:24.04", f"r.example.com:5000/a/b_c:1.0@sha256:{'a' * 64}"])
def test_references_of_every_form_are_taken(tmp_path: Path, reference: str) -> None:
    (tmp_path / "unmoor.yaml").write_text(f"version: 1\n{HEAD}image: {reference}\n")
    assert load(tmp_path).spec.image == reference
