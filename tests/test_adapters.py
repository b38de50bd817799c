from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest

from saysel.adapters import reply_rewards, trl_reward, verifiers_reward, verl_score
from saysel.errors import StageError, UsageError
from saysel.interfaces import Judge
from saysel.records import ModelRef

RIGHT = "Answer: the cellar\nConfidence: 90%"
WRONG = "Answer: the attic\nConfidence: 70%"
UNREADABLE = "I do not know what to say."
#: 1 - 2 (y - c)^2, and -1 without a confidence.
REWARDS = [pytest.approx(0.98), pytest.approx(0.02), -1.0]


class UndecidedJudge(Judge):
    """Judges nothing."""

    def judge(self, items: Any) -> list[float | None]:
        return [None] * len(items)


def test_replies_are_parsed_judged_and_rewarded() -> None:
    rewarded = reply_rewards("percent")

    replies = rewarded([RIGHT, WRONG, UNREADABLE], [["the cellar"]] * 3, [""] * 3)

    assert [reply.reward for reply in replies] == REWARDS
    assert [(r.correct, r.confidence, r.answer) for r in replies] == [
        (1.0, 0.9, "the cellar"),
        (0.0, 0.7, "the attic"),
        (0.0, None, None),
    ]


def test_components_are_named_as_in_a_recipe() -> None:
    rewarded = reply_rewards({"use": "percent"}, {"use": "match"}, "linear")

    (reply,) = rewarded([RIGHT], ['["a cellar", "the cellar"]'], [""])

    assert reply.reward == pytest.approx(0.9)
    with pytest.raises(UsageError, match="no reward is called"):
        reply_rewards(reward="quadrat")
    with pytest.raises(UsageError, match="its question has no accepted answer"):
        rewarded([RIGHT], [[]], [""])


def test_trl_gets_a_reward_per_completion() -> None:
    """As `GRPOTrainer` calls it, with texts or with chats."""
    reward = trl_reward(format="percent", answers="gold")
    texts = [RIGHT, WRONG, UNREADABLE]
    chats = [[{"role": "assistant", "content": text}] for text in texts]
    prompts = [[{"role": "user", "content": "Where?"}]] * 3
    columns: dict[str, Any] = {"completion_ids": [[1]] * 3, "trainer_state": None}

    assert reward(prompts=["Where?"] * 3, completions=texts, gold=["the cellar"] * 3) == REWARDS
    assert reward(prompts=prompts, completions=chats, gold=["cellar"] * 3, **columns) == REWARDS
    assert reward.__name__ == "saysel_reward"
    undecided = trl_reward("percent", UndecidedJudge(), answers="gold")
    assert undecided(prompts, chats, gold=["cellar"] * 3) == [None, None, -1.0]
    with pytest.raises(UsageError, match="has no column 'gold' with the accepted answers"):
        reward(prompts=prompts, completions=chats, answers=["the cellar"] * 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_trl_trains_with_it(small_model: ModelRef, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    rows = [{"prompt": f"Nora says {n}. Where?", "answers": ["the cellar"]} for n in range(2)]
    config = GRPOConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=2,
        num_generations=2,
        max_completion_length=4,
        max_steps=1,
        use_cpu=True,
        report_to=[],
    )
    trainer = GRPOTrainer(
        small_model.path, trl_reward("percent"), args=config, train_dataset=Dataset.from_list(rows)
    )

    trainer.train()

    assert "rewards/saysel_reward/mean" in trainer.state.log_history[0]
    assert trainer.state.log_history[0]["reward"] == -1.0


def test_verl_calls_it_by_keyword() -> None:
    """As the reward managers of verl 0.9.1 do."""
    compute_score = verl_score(format="percent")
    how = {"data_source": "witness", "ground_truth": ["the cellar"], "extra_info": {"index": 1}}

    assert compute_score(solution_str=RIGHT, **how) == {
        "score": pytest.approx(0.98),
        "acc": 1.0,
        "confidence": 0.9,
    }
    unread = compute_score(solution_str=UNREADABLE, reward_router_address="x", **how)
    assert unread == {"score": -1.0, "acc": 0.0, "confidence": -1.0}
    assert all(math.isfinite(value) for value in unread.values()) and json.dumps(unread)
    with pytest.raises(StageError, match="witness: the judge could not judge 'the cellar'"):
        verl_score("percent", UndecidedJudge())(solution_str=RIGHT, **how)


def test_a_rubric_of_verifiers_calls_it_by_keyword() -> None:
    """As `verifiers.Rubric` 0.1 does, with what a reward function names."""
    reward = verifiers_reward(format="percent")
    how = {"prompt": [{"role": "user", "content": "Where?"}], "answer": "the cellar", "state": {}}

    assert reward(completion=[{"role": "assistant", "content": RIGHT}], **how) == REWARDS[0]
    assert reward(completion=UNREADABLE, **how) == -1.0


def test_a_rubric_of_verifiers_scores_with_it() -> None:
    verifiers = pytest.importorskip("verifiers", reason="verifiers is not installed")
    if not hasattr(verifiers, "Rubric"):
        pytest.skip("this version of verifiers has no rubrics")
    state = {
        "prompt": [{"role": "user", "content": "Where?"}],
        "completion": [{"role": "assistant", "content": RIGHT}],
        "answer": "the cellar",
        "task": "witness",
        "info": {},
        "trajectory": [],
        "timing": {"scoring_ms": 0.0, "total_ms": 0.0},
    }
    rubric = verifiers.Rubric(funcs=[verifiers_reward(format="percent")])
    asyncio.run(rubric.score_rollout(state))

    assert state["reward"] == REWARDS[0]
