"""The most that a request may cost, which it reserves before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from unmoor.runtime.events import Tokens
from unmoor.runtime.guard.budget.day_record import NOTHING

from .formats import ReportedUsage
from .prices import Prices
from .request_policy import ProviderRequest

# Text of most languages and code has more bytes for each token: https://platform.openai.com/tokenizer.
LEAST_BYTES_PER_TOKEN = 3
# The most of a large image: https://platform.claude.com/docs/en/build-with-claude/vision
TOKENS_PER_IMAGE = 5000
# A generous rate: an estimate of a response that nobody saw must not be too low.
TOKENS_PER_SECOND = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """The tokens that a request reserves, and how they are priced: the dearest kind of input that it may use."""

    usage: ReportedUsage
    cost: Decimal

    def after(self, seconds: float, *, streams: bool) -> ReportedUsage:
        """The usage of a request that was sent, and whose response nobody waited for.

        A provider stops a stream when its client is gone, so its output is what fits into the time; a response that is
        not streamed may be written to its end.
        """
        tokens = self.usage.tokens or Tokens()
        output = min(tokens.output, int(seconds * TOKENS_PER_SECOND)) if streams else tokens.output
        fresh = Tokens(input=tokens.input, output=output)
        return ReportedUsage(tokens=fresh, terms=self.usage.terms)


def worst_case(request: ProviderRequest, prices: Prices) -> WorstCase:
    """All of the input at its dearest price, and all of the output that the request allows."""
    size, output = most_input_tokens(request.body, request.images), request.max_output
    tokens = Tokens(input=size, output=output)
    cases = [ReportedUsage(tokens=tokens, terms=request.terms)]
    if b"cache_control" in request.body:
        written = Tokens(input=size, cache_write=size, output=output)
        long = size if b'"1h"' in request.body else 0
        cases.append(ReportedUsage(tokens=written, long_cache_write=long, terms=request.terms))
    if b"audio" in request.body:
        cases.append(ReportedUsage(tokens=tokens, input_audio=size, output_audio=output, terms=request.terms))
    costs = [prices.cost(case) or NOTHING for case in cases]
    return WorstCase(usage=cases[costs.index(max(costs))], cost=max(costs))


def most_input_tokens(body: bytes, images: Sequence[int] = ()) -> int:
    """About the most tokens that a request's body may be; `images` are the sizes of those in it.

    Only what the provider itself reads as an image counts as one: other base64 may be read as text.
    """
    text = max(len(body) - sum(images), 0)
    return -(-text // LEAST_BYTES_PER_TOKEN) + len(images) * TOKENS_PER_IMAGE
