"""Which bodies pass where `network.egress` is a list: those whose every member that matters is known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from unmoor.runtime.guard.model.bodies.grammar import ACCOUNT, HOSTS, TOOLS, UNKNOWN
from unmoor.runtime.guard.model.request_policy import ModelPolicy, ProviderRequest, RequestDenied, authorize

PATHS = {
    "anthropic": ("anthropic", "v1/messages"),
    "chat": ("openai", "chat/completions"),
    "responses": ("openai", "responses"),
    "gemini": ("google", "v1beta/models/m:generateContent"),
    "count": ("google", "v1beta/models/m:countTokens"),
}
URL, DATA = "https://evil.example/?q=secret", "data:image/png;base64,AAAA"
IMAGE = {"type": "image", "source": {"type": "url", "url": URL}}


def judged(wire: str, body: Any, *, web: bool = False, raw: bytes = b"") -> ProviderRequest:
    provider, path = PATHS[wire]
    content = raw or json.dumps({"model": "m", **body}).encode()
    return authorize(ModelPolicy(provider=provider, model="m", web=web), "POST", path, "", content, "")


def why(wire: str, body: Any, **how: Any) -> str:
    """The refusal's text; empty if the request passes."""
    try:
        judged(wire, body, **how)
    except RequestDenied as denied:
        return str(denied)
    return ""


def said(*content: Any) -> Any:
    """Anthropic's and chat's messages with these parts."""
    return {"messages": [{"role": "user", "content": list(content)}]}


def given(*items: Any) -> Any:
    return {"input": list(items)}


def parts(*parts: Any) -> Any:
    return {"contents": [{"role": "user", "parts": list(parts)}]}


REFUSED: list[tuple[str, Any, str, str]] = [
    # Anthropic
    ("anthropic", {"mcp_servers": [{"url": URL}]}, "mcp_servers", HOSTS),
    ("anthropic", {"mcp_servers": []}, "mcp_servers", HOSTS),
    ("anthropic", {"tools": [{"type": "web_fetch_20250910"}]}, "tools[0] of type web_fetch_20250910", HOSTS),
    ("anthropic", {"tools": {"type": "web_search_20250305"}}, "tools of type web_search_20250305", HOSTS),
    ("anthropic", {"tools": [{"type": "mcp_toolset"}]}, "tools[0] of type mcp_toolset", HOSTS),
    ("anthropic", {"tools": [{"type": "code_execution_20250825"}]}, "tools[0] of type code_execution_20250825", TOOLS),
    ("anthropic", {"tools": [{"type": "browse_20270101"}]}, "tools[0] of type browse_20270101", UNKNOWN),
    ("anthropic", {"tools": [{"name": "x", "image": {"url": URL}}]}, "tools[0].image.url", HOSTS),
    ("anthropic", said(IMAGE), "messages[0].content[0].source of type url", HOSTS),
    ("anthropic", {"messages": [{"content": IMAGE}]}, "messages[0].content.source of type url", HOSTS),
    ("anthropic", {"messages": {"content": [IMAGE]}}, "messages.content[0].source of type url", HOSTS),
    ("anthropic", {"system": [IMAGE]}, "system[0].source of type url", HOSTS),
    (
        "anthropic",
        said({"type": "tool_result", "content": [{"type": "document", "source": {"type": "url"}}]}),
        "messages[0].content[0].content[0].source of type url",
        HOSTS,
    ),
    (
        "anthropic",
        said({"type": "tool_result", "content": IMAGE}),
        "messages[0].content[0].content.source of type url",
        HOSTS,
    ),
    (
        "anthropic",
        said({"type": "document", "source": {"type": "content", "content": [IMAGE]}}),
        "messages[0].content[0].source.content[0].source of type url",
        HOSTS,
    ),
    (
        "anthropic",
        said({"type": "search_result", "source": URL, "content": [IMAGE]}),
        "messages[0].content[0].content[0].source of type url",
        HOSTS,
    ),
    ("anthropic", said({**IMAGE, "source": {"type": "cloud"}}), "messages[0].content[0].source of type cloud", UNKNOWN),
    (
        "anthropic",
        said({"type": "image", "source": {"type": "base64", "data": URL}}),
        "messages[0].content[0].source.data",
        HOSTS,
    ),
    (
        "anthropic",
        said({"type": "document", "source": {"type": "file", "file_id": "f"}}),
        "messages[0].content[0].source of type file",
        ACCOUNT,
    ),
    (
        "anthropic",
        said({"type": "container_upload", "file_id": "f"}),
        "messages[0].content[0] of type container_upload",
        ACCOUNT,
    ),
    ("anthropic", {"container": "c"}, "container", ACCOUNT),
    ("anthropic", said({"type": "hologram"}), "messages[0].content[0] of type hologram", UNKNOWN),
    ("anthropic", said({"Type": "hologram"}), "messages[0].content[0] of type hologram", UNKNOWN),
    ("anthropic", said({"text": "no type"}), "messages[0].content[0] of type ", UNKNOWN),
    ("anthropic", said({"type": "text", "text": "x", "poster": URL}), "messages[0].content[0].poster", HOSTS),
    ("anthropic", said({"type": "text", "x": {"y": [{"z": URL}]}}), "messages[0].content[0].x.y[].z", HOSTS),
    ("anthropic", said({"type": "text", "x": {"file_id": "f"}}), "messages[0].content[0].x.file_id", ACCOUNT),
    ("anthropic", said([IMAGE]), "messages[0].content[0]: it is not an object; ", UNKNOWN),
    ("anthropic", {"messages": 7}, "messages: it is not a list; ", UNKNOWN),
    ("anthropic", {"web": True}, "web", UNKNOWN),
    ("anthropic", {"messages": [], "web_search": False}, "web_search", UNKNOWN),
    # Chat completions
    ("chat", {"web_search_options": {}}, "web_search_options", HOSTS),
    ("chat", {"plugins": [{"id": "web"}]}, "plugins", HOSTS),
    ("chat", {"search_parameters": {"mode": "on"}}, "search_parameters", HOSTS),
    ("chat", {"enable_search": False}, "enable_search", HOSTS),
    ("chat", {"Web_Search_Options": {}}, "Web_Search_Options", HOSTS),
    ("chat", {"browse": True}, "browse", UNKNOWN),
    ("chat", said({"type": "image_url", "image_url": {"url": URL}}), "messages[0].content[0].image_url.url", HOSTS),
    ("chat", said({"type": "image_url", "image_url": URL}), "messages[0].content[0].image_url", HOSTS),
    ("chat", said({"type": "image_url", "image_url": ""}), "messages[0].content[0].image_url", HOSTS),
    ("chat", said({"type": "image_url", "imageUrl": URL}), "messages[0].content[0].imageUrl", HOSTS),
    ("chat", said({"type": "text", "image_url": URL}), "messages[0].content[0].image_url", HOSTS),
    ("chat", said({"type": "audio_url", "audio_url": {"url": URL}}), "messages[0].content[0].audio_url.url", HOSTS),
    ("chat", said({"type": "document_url", "document_url": URL}), "messages[0].content[0].document_url", HOSTS),
    ("chat", said({"type": "file", "file": {"file_data": URL}}), "messages[0].content[0].file.file_data", HOSTS),
    ("chat", said({"type": "file", "file": {"file_id": "f"}}), "messages[0].content[0].file.file_id", ACCOUNT),
    ("chat", {"prediction": {"content": [{"type": "image_url", "image_url": URL}]}}, "prediction.content[0]", HOSTS),
    ("chat", {"messages": [{"audio": {"id": "a"}}]}, "messages[0].audio", ACCOUNT),
    ("chat", {"messages": [{"images": [{"type": "image_url", "image_url": URL}]}]}, "messages[0].images[0]", HOSTS),
    ("chat", {"messages": [{"annotations": [{"x": "HTTPS:evil.example"}]}]}, "messages[0].annotations[].x", HOSTS),
    ("chat", {"tools": [{"type": "openrouter:web_search"}]}, "tools[0] of type openrouter:web_search", UNKNOWN),
    ("chat", {"tools": [{"type": "builtin_function"}]}, "tools[0] of type builtin_function", UNKNOWN),
    ("chat", {"tools": {"type": "web_search"}}, "tools of type web_search", HOSTS),
    # Responses
    ("responses", {"tools": [{"type": "mcp", "server_url": URL}]}, "tools[0] of type mcp", HOSTS),
    ("responses", {"tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]}, "tools[0].tools[0]", HOSTS),
    ("responses", given({"type": "additional_tools", "tools": [{"type": "mcp"}]}), "input[0].tools[0]", HOSTS),
    ("responses", {"tools": [{"type": "file_search"}]}, "tools[0] of type file_search", ACCOUNT),
    ("responses", {"tools": [{"type": "code_interpreter"}]}, "tools[0] of type code_interpreter", TOOLS),
    (
        "responses",
        {"tools": [{"type": "shell", "environment": {"type": "container_auto", "network_policy": {}}}]},
        "tools[0].environment of type container_auto",
        TOOLS,
    ),
    ("responses", given({"content": [{"type": "input_file", "file_url": URL}]}), "input[0].content[0].file_url", HOSTS),
    ("responses", given({"content": [{"type": "input_file", "file_id": "f"}]}), "input[0].content[0].file_id", ACCOUNT),
    ("responses", given({"content": {"type": "input_image", "image_url": URL}}), "input[0].content.image_url", HOSTS),
    (
        "responses",
        given({"content": [{"type": "input_image", "image_url": {"url": URL}}]}),
        "input[0].content[0].image_url.url",
        HOSTS,
    ),
    (
        "responses",
        given({"type": "function_call_output", "output": [{"type": "input_image", "image_url": URL}]}),
        "input[0].output[0].image_url",
        HOSTS,
    ),
    (
        "responses",
        given({"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": URL}}),
        "input[0].output.image_url",
        HOSTS,
    ),
    ("responses", {"input": {"content": [{"type": "input_image", "image_url": URL}]}}, "input.content[0]", HOSTS),
    ("responses", given({"type": "item_reference", "id": "i"}), "input[0] of type item_reference", ACCOUNT),
    ("responses", {"prompt": {"id": "p", "variables": {}}}, "prompt", ACCOUNT),
    ("responses", {"previous_response_id": "r"}, "previous_response_id", ACCOUNT),
    ("responses", {"conversation": "c"}, "conversation", ACCOUNT),
    ("responses", {"include_everything": True}, "include_everything", UNKNOWN),
    # Gemini
    ("gemini", {"tools": [{"urlContext": {}}, {"functionDeclarations": []}]}, "tools[0].urlContext", HOSTS),
    ("gemini", {"tools": [{"google_search": {}}]}, "tools[0].google_search", HOSTS),
    ("gemini", {"tools": {"googleSearch": {}}}, "tools.googleSearch", HOSTS),
    ("gemini", {"tools": [{"enterpriseWebSearch": {}}]}, "tools[0].enterpriseWebSearch", HOSTS),
    ("gemini", {"tools": [{"retrieval": {}}]}, "tools[0].retrieval", ACCOUNT),
    ("gemini", {"tools": [{"codeExecution": {}}]}, "tools[0].codeExecution", TOOLS),
    ("gemini", {"tools": [{"newTool": {}}]}, "tools[0].newTool", UNKNOWN),
    ("gemini", parts({"fileData": {"fileUri": URL}}), "contents[0].parts[0].fileData", HOSTS),
    (
        "gemini",
        parts({"file_data": {"file_uri": "https://generativelanguage.googleapis.com/../@evil"}}),
        "contents[0].parts[0].file_data",
        HOSTS,
    ),
    ("gemini", {"contents": {"parts": {"fileData": {}}}}, "contents.parts.fileData", HOSTS),
    ("gemini", {"system_instruction": {"parts": {"fileData": {}}}}, "system_instruction.parts.fileData", HOSTS),
    (
        "gemini",
        parts({"functionResponse": {"name": "f", "parts": [{"fileData": {"fileUri": URL}}]}}),
        "contents[0].parts[0].functionResponse.parts[0].fileData",
        HOSTS,
    ),
    (
        "gemini",
        parts({"fileData": None, "file_data": {"fileUri": URL}}),
        "contents[0].parts[0].file_data: it is given twice, in two spellings",
        "",
    ),
    ("gemini", parts({"inlineData": {"data": URL}}), "contents[0].parts[0].inlineData.data", HOSTS),
    ("gemini", {"cachedContent": "cachedContents/x"}, "cachedContent", ACCOUNT),
    (
        "count",
        {"generateContentRequest": {"contents": {"parts": {"fileData": {}}}}},
        "generateContentRequest.contents.parts.fileData",
        HOSTS,
    ),
]


@pytest.mark.parametrize(("wire", "body", "place", "reason"), REFUSED)
def test_a_body_by_which_the_provider_would_act_on_its_own_is_refused(wire: str, body: Any, place: str, reason: str):
    text = why(wire, body)
    assert text.startswith(place)
    assert reason in text
    assert text.endswith("; leave it out, or set network.egress: any")
    assert why(wire, body, web=True) == ""


FREE = {"type": "image", "source": {"type": "url", "url": URL}, "file_id": "f", "web_search_options": {}}
PASSED: list[tuple[str, Any]] = [
    ("anthropic", {"mcp_servers": None, **said({"type": "text", "text": URL})}),
    ("anthropic", {"system": "text", "messages": [{"role": "user", "content": URL}]}),
    ("anthropic", {"tools": [{"type": "bash_20250124"}, {"name": "x", "input_schema": FREE, "description": URL}]}),
    ("anthropic", said({"type": "tool_use", "id": "1", "name": "x", "input": FREE})),
    ("anthropic", said({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}})),
    ("anthropic", said({"type": "text", "text": "x", "new": {"level": 3, "words": ["plain"]}})),
    ("chat", {"messages": [{"role": "user", "content": URL}, {"role": "assistant", "content": None}]}),
    ("chat", said({"type": "image_url", "image_url": {"url": DATA, "detail": "low"}})),
    ("chat", said({"type": "file", "file": {"filename": "x.pdf", "file_data": "data:application/pdf;base64,AA"}})),
    ("chat", {"messages": [{"tool_calls": [{"function": {"name": "x", "arguments": json.dumps(FREE)}}]}]}),
    ("chat", {"tools": [{"type": "function", "function": {"name": "x", "parameters": FREE}}], "plugins": None}),
    ("responses", {"input": URL, "instructions": URL, "previous_response_id": None}),
    ("responses", {"tools": [{"type": "function", "name": "web_search", "parameters": FREE}]}),
    ("responses", {"tools": [{"type": "shell", "environment": {"type": "local"}}]}),
    ("responses", given({"role": "user", "content": [{"type": "input_image", "image_url": DATA}]})),
    ("responses", given({"type": "function_call", "arguments": json.dumps(FREE), "call_id": "1"})),
    ("gemini", {"tools": [{"functionDeclarations": [{"name": "x", "parameters": FREE}]}]}),
    ("gemini", {"system_instruction": {"parts": {"text": URL}}, "contents": {"parts": [{"inline_data": {}}]}}),
    ("gemini", parts({"functionCall": {"name": "x", "args": FREE}}, {"functionResponse": {"response": FREE}})),
    ("gemini", {"generationConfig": {"responseSchema": {"$schema": URL}}}),
]


@pytest.mark.parametrize(("wire", "body"), PASSED)
def test_text_arguments_and_content_in_the_body_pass(wire: str, body: Any):
    assert why(wire, body) == ""


@pytest.mark.parametrize(
    ("wire", "inner"),
    [
        ("anthropic", b'"messages": [{"content": [{"type": "image", "source": {"type": "url"}, "source": {}}]}]'),
        ("anthropic", b'"tools": [{"type": "web_search_20250305", "type": "custom"}]'),
        ("anthropic", b'"tools": [{"type": "web_search_20250305", "t\\u0079pe": "custom"}]'),
        ("chat", b'"messages": [{"content": "x", "content": [1]}]'),
        ("gemini", b'"contents": [{"parts": [{"functionCall": {"args": {"a": 1, "a": 2}}}]}]'),
    ],
)
@pytest.mark.parametrize("web", [True, False])
def test_a_member_twice_in_one_object_is_refused_at_every_depth(wire: str, inner: bytes, web: bool):
    text = why(wire, None, web=web, raw=b'{"model": "m", ' + inner + b"}")
    assert text.startswith("the request's body has the member ")
    assert text.endswith(" twice in one object; send it once")


def test_a_body_as_deep_as_json_can_be_is_judged():
    block: Any = IMAGE
    for _ in range(200):
        block = {"type": "tool_result", "content": [block]}
    assert HOSTS in why("anthropic", said(block))


@pytest.mark.parametrize(
    "path",
    [
        *(
            "models/../files",
            "models/./x",
            "models/..",
            "models//x",
            "models/%2e%2e/files",
            "models/..%2ffiles",
            "/models",
        ),
        *("models/x/../../responses/r", "models/a%62", "models/a\\..\\b", "models/", "models/x;y", "."),
    ],
)
@pytest.mark.parametrize("wire", ["anthropic", "chat", "responses", "gemini"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_not_normal_is_refused(wire: str, path: str, method: str):
    provider, real = PATHS[wire]
    paths = [path, f"v1/{path}", f"{path}/../{real}", f"v1beta/{path}"]
    for changed in paths:
        with pytest.raises(RequestDenied, match=r"is not in its normal form; write it without %, \.\. and //$"):
            authorize(ModelPolicy(provider=provider, model="m", web=True), method, changed, "", b'{"model": "m"}', "")


def test_the_models_of_a_provider_can_be_listed():
    for provider, path in (("openai", "models/vendor/name:free"), ("anthropic", "v1/models/m"), ("google", "models/m")):
        assert (
            authorize(ModelPolicy(provider=provider, model="m", web=False), "GET", path, "", b"", "").call.path == path
        )


def test_another_model_is_refused_in_every_place_that_names_one():
    assert why("count", {"generateContentRequest": {"model": "models/big"}}) == "model names another model"
    assert "would use another model" in why("chat", {"tools": {"type": "x", "model": "big"}}, web=True)
    assert "would use another model" in why("anthropic", {"tools": {"name": "x", "model": "big"}}, web=True)


def test_a_body_of_1_mb_of_turns_and_tools_is_allowed():
    """How long that takes is the bench's to measure."""
    text = 'A line of a program, with "quotes" and a newline.\n' * 80
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": {"path": "a.py"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": text}]},
    ]
    properties = {f"p{n}": {"type": "string", "description": "A parameter."} for n in range(20)}
    tools = [{"name": f"t{n}", "input_schema": {"type": "object", "properties": properties}} for n in range(30)]
    body = json.dumps({"model": "m", "tools": tools, "messages": turns * 220}).encode()
    assert 900_000 < len(body) < 1_100_000
    policy = ModelPolicy(provider="anthropic", model="m", web=False)
    assert authorize(policy, "POST", "v1/messages", "", body, "").body == body
