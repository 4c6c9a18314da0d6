"""A review as Markdown: the cost of all targets first, then each target's changes."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.cost.comparison import Bill, money_text, total_text
from unmoor.cost.text import amount_text
from unmoor.deploy.text import markdown as changes_markdown
from unmoor.review.review import Review, TargetReview

# An invisible marker by which the comment is found again, and the length limit of GitHub's comments:
# https://github.com/orgs/community/discussions/27190
MARK = "<!-- unmoor review: {} -->"
LONGEST = 65_536
CUT = "\n\n*Cut here: a comment takes no more. The job's summary has all of it.*"


def comment_marker(review: Review) -> str:
    """The marker of this agent and environment."""
    return MARK.format(f"{review.agent} {review.environment}")


def markdown(review: Review) -> str:
    return "\n".join(
        [comment_marker(review), f"## {review.agent} in {review.environment}", "", *_money(review), *_targets(review)]
    )


def comment(review: Review) -> str:
    """The review, cut to the length of a comment."""
    text = markdown(review)
    return text if len(text) <= LONGEST else text[: LONGEST - len(CUT)] + CUT


def _money(review: Review) -> Iterator[str]:
    yield "| target | a month before | a month after | change |"
    yield "|---|---:|---:|---:|"
    for target in review.targets:
        yield f"| {target.target} | {_bill(target.before)} | {_bill(target.after)} | {difference(target)} |"
    runs, minutes = amount_text(review.usage.runs), amount_text(review.usage.minutes)
    yield ""
    yield f"For {runs} runs a month of {minutes} minutes, at list prices, the model's tokens among them."


def _bill(bill: Bill | None) -> str:
    if bill is None:
        return "-"
    if bill.refused:
        return "refused"
    return total_text(bill.total()) if bill.is_priced else "unknown"


def difference(target: TargetReview) -> str:
    """The change of the monthly cost; unknown if the two sides lack different prices."""
    before, after = target.before, target.after
    if before is None or after is None or not (before.is_priced and after.is_priced):
        return "-"
    old, new = before.total(), after.total()
    if old.missing != new.missing:
        return "unknown"
    change = new.known - old.known
    if change == 0:
        return "none"
    part = f" ({change / old.known:+.0%})" if old.known else ""
    return f"{'+' if change > 0 else '-'}{money_text(abs(change))}{part}"


def _targets(review: Review) -> Iterator[str]:
    for target in review.targets:
        yield ""
        if target.after is not None and target.after.refused:
            yield f"### {target.target}: refused"
            yield from ["", *(f"- {reason}" for reason in target.after.refused)]
        elif target.changes is not None:
            yield changes_markdown(target.target, target.changes)
        else:
            yield f"### {target.target}: not previewed"
            yield from ["", target.preview_error or "No preview was asked for."]
        if target.guarantees:
            yield from ["", "| promise | before | after |", "|---|---|---|"]
            yield from (f"| {p.topic} | {_cell(p.before)} | {_cell(p.after)} |" for p in target.guarantees)


def _cell(text: str) -> str:
    return (text or "-").replace("|", "\\|").replace("\n", " ")
