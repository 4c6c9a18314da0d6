"""Tools in requests of OpenAI's two formats. https://platform.openai.com/docs/guides/tools"""

from __future__ import annotations

from .grammar import FREE, NO_ACCOUNT, NO_HOSTS, NO_TOOL, BodyRule, KindRule, ListRule, ObjectRule, members

# Where a shell runs: on the harness's side, or in a container of the provider's.
ENVIRONMENT = KindRule({"local": FREE, "container_auto": NO_TOOL, "container_reference": NO_ACCOUNT})
TOOLS: dict[str, BodyRule] = {}
TOOL_LIST = ListRule(KindRule(TOOLS))


def _tool(*free: str, **others: BodyRule) -> ObjectRule:
    return ObjectRule({**members("type", "name", "description", "cache_control", "defer_loading", *free), **others})


TOOLS.update(
    function=_tool("function", "parameters", "strict", "output_schema", "allowed_callers", "eager_input_streaming"),
    custom=_tool("custom", "format", "allowed_callers"),
    namespace=_tool(tools=TOOL_LIST),
    tool_search=_tool("execution", "parameters"),
    local_shell=_tool(),
    shell=_tool("allowed_callers", environment=ENVIRONMENT),
    apply_patch=_tool("allowed_callers"),
    computer=_tool("environment", "display_width", "display_height"),
    computer_use_preview=_tool("environment", "display_width", "display_height"),
    web_search=NO_HOSTS,
    web_search_preview=NO_HOSTS,
    web_fetch=NO_HOSTS,
    mcp=NO_HOSTS,
    file_search=NO_ACCOUNT,
    code_interpreter=NO_TOOL,
    image_generation=NO_TOOL,
)
