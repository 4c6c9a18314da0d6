"""Requests of the Gemini API. https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from .grammar import (
    DATA,
    FREE,
    NO_ACCOUNT,
    NO_HOSTS,
    NO_TOOL,
    NOT_KNOWN,
    BodyRule,
    ListRule,
    ObjectRule,
    members,
)

INLINE = ObjectRule({"data": DATA, "mimeType": FREE, "displayName": FREE})
# A file is one of the account's, in Google's storage, or anywhere on the web.
RESPONSE_PART = ObjectRule({"inlineData": INLINE, "fileData": NO_HOSTS, "text": FREE})
FUNCTION_RESPONSE = ObjectRule(
    {"parts": ListRule(RESPONSE_PART), **members("id", "name", "response", "willContinue", "scheduling")}
)
PART = ObjectRule(
    {
        "inlineData": INLINE,
        "fileData": NO_HOSTS,
        "functionResponse": FUNCTION_RESPONSE,
        **members("text", "functionCall", "thought", "thoughtSignature", "executableCode", "codeExecutionResult"),
        **members("videoMetadata", "mediaResolution", "partMetadata"),
    }
)
CONTENT = ObjectRule({"parts": ListRule(PART), "role": FREE})
TOOL = ObjectRule(
    {
        "functionDeclarations": FREE,
        "computerUse": FREE,
        "codeExecution": NO_TOOL,
        "fileSearch": NO_ACCOUNT,
        "retrieval": NO_ACCOUNT,
        **dict.fromkeys(
            ("urlContext", "googleSearch", "googleSearchRetrieval", "enterpriseWebSearch", "googleMaps", "mcpServers"),
            NO_HOSTS,
        ),
    },
    others=NOT_KNOWN,
)
MEMBERS: dict[str, BodyRule] = {
    "contents": ListRule(CONTENT),
    "systemInstruction": CONTENT,
    "tools": ListRule(TOOL),
    "cachedContent": NO_ACCOUNT,
    **members("model", "toolConfig", "safetySettings", "generationConfig", "labels", "serviceTier", "store"),
}
REQUEST = ObjectRule(
    # The request whose tokens :countTokens counts.
    {**MEMBERS, "generateContentRequest": ObjectRule(MEMBERS, others=NOT_KNOWN)},
    others=NOT_KNOWN,
)
