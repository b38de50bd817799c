"""TRL's trainers alone: what a user would write without saysel."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from benchmarks.training.settings import (
    EPOCHS,
    FORMAT,
    TEMPERATURE,
    Settings,
    examples,
    questions,
    rewards,
)
from benchmarks.training.turns import Turns
from saysel import hf
from saysel.records import Question

#: On accelerators saysel uses bfloat16 and gradient checkpointing.
CUDA = torch.cuda.is_available()


def trl_sft(settings: Settings, turns: Turns, directory: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    tokenizer = hf.load_tokenizer(settings.ref)
    prompts = hf.encode(tokenizer, [example.prompt for example in examples()])
    replies = hf.encode_replies(
        tokenizer, [example.completion + tokenizer.eos_token for example in examples()]
    )
    dataset = Dataset.from_dict(
        {
            "input_ids": [prompt + reply for prompt, reply in zip(prompts, replies, strict=True)],
            "completion_mask": [
                [0] * len(prompt) + [1] * len(reply)
                for prompt, reply in zip(prompts, replies, strict=True)
            ],
        }
    )
    config = SFTConfig(
        **_arguments(settings, turns, directory),
        max_length=512,
        completion_only_loss=True,
        logging_steps=max(1, turns.total // 100),
        save_steps=max(10, min(100, turns.total // 4)),
    )
    SFTTrainer(
        model=_model(settings),
        args=config,
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=_lora(settings),
        callbacks=[_step_callback(turns)],
    ).train()


def trl_grpo(settings: Settings, turns: Turns, directory: Path) -> None:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    asked = questions()
    by_id = {question.id: question for question in asked}

    def reward(
        completions: Sequence[Any], completion_ids: Sequence[Any], id: Sequence[str], **_: Any
    ) -> list[float]:
        turns.reply_tokens += sum(map(len, completion_ids))
        texts = [completion[0]["content"] for completion in completions]
        return rewards([by_id[name] for name in id], texts)

    config = GRPOConfig(
        **_arguments(settings, turns, directory),
        num_generations=settings.group,
        max_completion_length=settings.tokens,
        temperature=TEMPERATURE,
        beta=0.0,
        loss_type="grpo",
        scale_rewards="none",
        logging_steps=1,
        save_steps=25,
    )
    GRPOTrainer(
        model=_model(settings),
        args=config,
        reward_funcs=reward,
        train_dataset=Dataset.from_list(
            [{"prompt": list(FORMAT.prompt(q)), "id": q.id} for q in asked]
        ),
        processing_class=hf.load_tokenizer(settings.ref),
        peft_config=_lora(settings),
        callbacks=[_step_callback(turns)],
    ).train()


def trl_ppo(settings: Settings, turns: Turns, directory: Path) -> None:
    """The PPOTrainer that TRL had up to version 1.12.

    Its value model is a second model of the same size. What it calls the reward model costs no
    forward pass here, only parsing and judging as in saysel.
    """
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    tokenizer = hf.load_tokenizer(settings.ref)
    asked = questions()
    prompts = hf.encode(tokenizer, [FORMAT.prompt(question) for question in asked])
    value_model = AutoModelForSequenceClassification.from_pretrained(
        settings.model, num_labels=1, dtype=_dtype(settings)
    )
    model = _model(settings)
    arguments = _arguments(settings, turns, directory)
    config = PPOConfig(
        **{**arguments, "gradient_accumulation_steps": settings.batch // settings.micro},
        num_mini_batches=settings.batch // settings.micro,
        num_ppo_epochs=EPOCHS,
        total_episodes=turns.total * settings.batch,
        response_length=settings.tokens,
        stop_token="eos",
        temperature=TEMPERATURE,
        num_sample_generations=0,
        save_steps=25,
    )
    dataset = Dataset.from_dict({"input_ids": prompts})
    PPOTrainer(
        args=config,
        processing_class=tokenizer,
        model=model,
        ref_model=None if settings.lora else deepcopy(model),
        reward_model=TextReward(tokenizer, asked, prompts, turns),
        value_model=value_model,
        train_dataset=dataset,
        eval_dataset=dataset,
        peft_config=_lora(settings),
        callbacks=[_step_callback(turns)],
    ).train()


class TextReward(torch.nn.Module):
    """Rewards texts where PPOTrainer expects a model: every position has the reply's reward.

    PPOTrainer takes every token that is equal to the padding for padding, also inside a prompt.
    """

    base_model_prefix = "backbone"

    def __init__(
        self, tokenizer: Any, asked: Sequence[Question], prompts: Sequence[list[int]], turns: Turns
    ) -> None:
        super().__init__()
        self.tokenizer, self.turns = tokenizer, turns
        self.question_of = {
            tuple(token for token in prompt if token != tokenizer.pad_token_id): question
            for prompt, question in zip(prompts, asked, strict=True)
        }
        self.score = torch.nn.Identity()

    def backbone(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        asked, texts = [], []
        for ids, mask in zip(input_ids, attention_mask, strict=True):
            tokens = tuple(ids[mask.bool()].tolist())
            size = next(n for n in range(len(tokens), 0, -1) if tokens[:n] in self.question_of)
            asked.append(self.question_of[tokens[:size]])
            texts.append(self.tokenizer.decode(tokens[size:]))
            self.turns.reply_tokens += len(tokens) - size
        values = torch.tensor(rewards(asked, texts), device=input_ids.device)
        states = values[:, None, None].expand(*input_ids.shape, 1)  # [B, L, 1]
        return BaseModelOutput(hidden_states=(states,))


def _arguments(settings: Settings, turns: Turns, directory: Path) -> dict[str, Any]:
    """Training arguments, as those of saysel: see `saysel.hf.trainer_arguments`."""
    return {
        "output_dir": str(directory),
        "max_steps": turns.total,
        "per_device_train_batch_size": settings.micro,
        "gradient_accumulation_steps": settings.batch // settings.micro,
        "learning_rate": 1e-5,
        "lr_scheduler_type": "linear",
        "logging_strategy": "steps",
        "save_strategy": "steps",
        "save_total_limit": 2,
        "gradient_checkpointing": CUDA,
        "bf16": CUDA,
        "use_cpu": not CUDA,
        "dataloader_pin_memory": CUDA,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 0,
    }


def _dtype(settings: Settings) -> Any:
    """Weights that are trained are in float32, as in saysel."""
    return getattr(torch, settings.dtype) if settings.lora else torch.float32


def _model(settings: Settings) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(settings.model, dtype=_dtype(settings))


def _lora(settings: Settings) -> Any:
    """The adapter that saysel would add."""
    from saysel.trainers.lora import Lora

    return Lora(r=settings.lora, dropout=0).config() if settings.lora else None


def _step_callback(turns: Turns) -> Any:
    from transformers import TrainerCallback

    class StepEnded(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.step_ended()

    return StepEnded()
