"""What a plan asks of servers and what that may cost, before anything is asked."""

from __future__ import annotations

from saysel.errors import UsageError
from saysel.plan.estimates import RequestEstimate
from saysel.plan.stage import Plan


def cost_lines(plan: Plan) -> list[str]:
    """What each step asks of servers, and the sum; one line if nothing is asked of servers."""
    estimates = _estimates(plan)
    if not estimates:
        return ["cost: none, every component runs on this machine"]
    if len(plan.cells) > 1:
        estimates = _summed(estimates)
    total = sum(estimate.cost or 0.0 for estimate in estimates)
    unknown = _models_without_price(estimates)
    unlimited = sorted(
        {each.model for each in estimates if each.requests and not each.output_tokens}
    )
    lines = [
        f"{estimate.step} asks {estimate.model}: {estimate.requests:,} requests, about "
        f"{estimate.input_tokens:,} tokens in, "
        + (f"{estimate.output_tokens:,} out at most, " if estimate.output_tokens else "")
        + _dollars(estimate.cost)
        for estimate in estimates
    ]
    lines.append(
        f"cost: at most about {_dollars(total)}, excluding retries"
        + (f" and {', '.join(unknown)} (no known price: add one under prices)" if unknown else "")
        + (f" and the replies of {', '.join(unlimited)} (no limit is sent)" if unlimited else "")
    )
    max_cost = plan.recipe.max_cost
    if max_cost is not None and total > max_cost:
        lines.append(
            f"that may be more than max_cost ({_dollars(max_cost)}), at which the run "
            "stops; once it is raised, the same command continues"
        )
    return lines


def check_prices(plan: Plan) -> None:
    """Check that the recipe's `max_cost`, if it has one, can be kept.

    Raises:
        UsageError: a model without a known price is asked, or a sampler that does not record what
            it spends or does not limit its replies.
    """
    if plan.recipe.max_cost is None:
        return
    estimates = _estimates(plan)
    unlimited = sorted({estimate.unlimited for estimate in estimates if estimate.unlimited})
    if unlimited:
        raise UsageError(
            f"max_cost is set, and {unlimited[0]}: remove max_cost, or use openai or anthropic "
            "and send max_tokens to the server"
        )
    if unknown := _models_without_price(estimates):
        raise UsageError(
            f"max_cost is set, and {', '.join(unknown)} has no known price: write it to a file and "
            "name that under prices"
        )


def _estimates(plan: Plan) -> list[RequestEstimate]:
    return [estimate for step in plan.steps for estimate in step.requests()]


def _summed(estimates: list[RequestEstimate]) -> list[RequestEstimate]:
    """The estimates of all cells' steps of one name and model as one."""
    summed: dict[tuple[str, str], RequestEstimate] = {}
    for one in estimates:
        key = (one.step, one.model)
        if key in summed:
            before = summed[key]
            unknown = before.cost is None or one.cost is None
            one = before._replace(
                requests=before.requests + one.requests,
                input_tokens=before.input_tokens + one.input_tokens,
                output_tokens=before.output_tokens + one.output_tokens,
                cost=None if unknown else (before.cost or 0.0) + (one.cost or 0.0),
            )
        summed[key] = one
    return list(summed.values())


def _models_without_price(estimates: list[RequestEstimate]) -> list[str]:
    return sorted({estimate.model for estimate in estimates if estimate.cost is None})


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "price unknown"
    return f"${cost:,.2f}" if cost >= 0.01 or not cost else f"${cost:.2g}"
