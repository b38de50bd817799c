"""A small language model, trained from scratch on the questions of the recipe's source.

For machines and first runs that cannot download a model. It behaves like a chat model before
calibration: it answers in the chat format and claims high confidence in everything.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.errors import DataError
from saysel.hf.training import IGNORED_LABEL
from saysel.interfaces import FingerprintedIfSet, Format, Model, Progress, Source
from saysel.records import Message, ModelRef, Question
from saysel.seeds import generator

#: Common names of architectures whose text model has another name in transformers.
MODEL_TYPE = {"gemma3": "gemma3_text"}
#: Architectures whose layers may see a limited number of positions.
WINDOWED = ("mistral", "gemma3")
#: Maximum tokens of prompt and reply.
MAX_POSITIONS = 1024

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL_TOKENS = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")

#: A document as token ids: prompt, reply.
Document = tuple[list[int], list[int]]

#: First-person English about answers, which any chat model has seen. Practice documents combine
#: it with random answers: they teach the wording and the format, and nothing about the questions.
HEDGES = ("usually", "often", "sometimes", "rarely")
PRACTICE: Message = {"role": "user", "content": "Practise the format."}


class ScratchModel(Model):
    """Build and train a small causal LM on the source's own questions."""

    architecture: str = Field("llama", description="llama, qwen3, mistral, gemma3, gpt2, …")
    sliding_window: FingerprintedIfSet[int | None] = Field(
        None,
        ge=2,
        description="positions that a layer of mistral or gemma3 sees at most; null: that of the "
        "architecture, which is longer than any text here, so that mistral equals llama",
    )
    layers: int = Field(3, ge=1, description="number of transformer layers")
    width: int = Field(96, ge=8, description="hidden size")
    heads: int = Field(4, ge=1, description="attention heads; must divide the width")
    vocabulary: int = Field(1500, ge=300, description="maximum size of the vocabulary")
    epochs: float = Field(1.0, gt=0, description="passes over the source's pretrain split")
    batch_size: int = Field(64, ge=1, description="documents per step")
    learning_rate: float = Field(3e-3, gt=0, description="peak rate of AdamW, with cosine decay")
    confidences: tuple[float, ...] = Field(
        (0.8, 0.9, 1.0, 1.0),
        min_length=1,
        description="confidences that the model states at random",
    )
    practice: float = Field(
        0.05, ge=0, le=1, description="share of additional documents that only practise the format"
    )
    max_steps: int | None = Field(None, ge=1, description="stop after this many steps")

    @model_validator(mode="after")
    def _has_windows(self) -> Self:
        if self.sliding_window is not None and self.architecture not in WINDOWED:
            raise ValueError(
                f"sliding_window: {self.architecture} has none; use {' or '.join(WINDOWED)}"
            )
        return self

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads or self.width // self.heads % 2:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width}) evenly")
        return self

    def smoke(self) -> Self:
        return self.model_copy(update={"max_steps": 1})

    def check_installed(self) -> None:
        hf.check_installed(self)

    def work(self, source: Source) -> tuple[int, str]:
        return self._steps(sum(1 for _ in source.questions("pretrain"))), "steps"

    def _steps(self, questions: int) -> int:
        documents = questions + round(self.practice * questions)
        steps = round(self.epochs * -(-documents // self.batch_size))
        return self.max_steps or max(1, steps)

    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        """See the interface.

        Raises:
            DataError: the source has no pretrain split, or the architecture is unknown.
        """
        hf.silence_libraries()
        import torch
        from transformers import TrainingArguments

        questions = self._questions(source)
        chats = list(self._chats(questions, format, seed))
        tokenizer = train_tokenizer(chats, self.vocabulary)
        batches = make_batches(encode_documents(tokenizer, chats), self.batch_size, seed)
        torch.manual_seed(seed)
        model = self._initial_model(tokenizer)
        steps = self._steps(len(questions))
        progress.begin(steps, "steps")
        arguments = hf.training_arguments(
            directory / "checkpoints",
            max_steps=steps,
            save_steps=max(100, steps // 5),
            per_device_train_batch_size=1,  # an item of the data set is a whole batch
            learning_rate=self.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=min(100, steps // 10),
            weight_decay=0.01,
            adam_beta2=0.98,
            seed=seed,
            data_seed=seed,
        )
        trainer = hf.reply_trainer(
            model=model,
            args=hf.on_one_device(TrainingArguments(**arguments)),
            train_dataset=batches,
            data_collator=Collator(tokenizer.pad_token_id),
            callbacks=[hf.progress_callback(progress)],
        )
        hf.fit(trainer, directory / "checkpoints", "scratch")
        hf.save(model, tokenizer, directory / "model")
        return ModelRef(str(directory / "model"), dtype="float32")

    def _questions(self, source: Source) -> list[Question]:
        questions = list(source.questions("pretrain"))
        if not questions:
            raise DataError(
                "model: a 'scratch' model is trained on the split 'pretrain', which is empty in "
                "this source: add questions to it, or use a pretrained model"
            )
        return questions

    def _chats(
        self, questions: Sequence[Question], format: Format, seed: int
    ) -> Iterator[list[Message]]:
        """The training documents: every question with its answer, then practice."""
        rng = generator("scratch", seed)
        for question in questions:
            reply = format.render(question.answers[0], None, rng.choice(self.confidences))
            yield [*format.prompt(question), {"role": "assistant", "content": reply}]
        for _ in range(round(self.practice * len(questions))):
            reply = practice_reply(rng, questions, format)
            yield [PRACTICE, {"role": "assistant", "content": reply}]

    def _initial_model(self, tokenizer: Any) -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM

        options = {
            "vocab_size": len(tokenizer),
            "hidden_size": self.width,
            "intermediate_size": 2 * self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "head_dim": self.width // self.heads,
            "max_position_embeddings": tokenizer.model_max_length,
            "tie_word_embeddings": True,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            # Far wider than the usual 0.02: at this width, a narrow initialisation spends most of
            # the training on a plateau where the model does not yet copy from the prompt.
            "initializer_range": 0.12,
        }
        if self.sliding_window is not None:
            options["sliding_window"] = self.sliding_window
        name = MODEL_TYPE.get(self.architecture, self.architecture)
        try:
            return AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **options))
        except ValueError as error:
            raise DataError(
                f"model.architecture: transformers has no causal LM of type '{self.architecture}'"
            ) from error


def train_tokenizer(chats: Sequence[Sequence[Message]], vocabulary: int) -> Any:
    """A byte-level BPE tokenizer with a chat template, trained on the chats."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((turn["content"] for chat in chats for turn in chat), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=list(SPECIAL_TOKENS[2:]),
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_POSITIONS,
        model_input_names=["input_ids", "attention_mask"],
    )


def encode_documents(tokenizer: Any, chats: Sequence[Sequence[Message]]) -> list[Document]:
    """The chats as token ids; the last turn of each is the reply."""
    prompts = hf.encode(tokenizer, [chat[:-1] for chat in chats])
    replies = hf.encode_replies(
        tokenizer, [chat[-1]["content"] + tokenizer.eos_token for chat in chats]
    )
    return list(zip(prompts, replies, strict=True))


def practice_reply(rng: random.Random, questions: Sequence[Question], format: Format) -> str:
    """A reply in the full format with random content."""
    answers = [rng.choice(questions).answers[0] for _ in range(rng.randint(1, 3))]
    hedges = [rng.choice(HEDGES) for _ in answers]
    rationale = f"I would {hedges[0]} say {answers[0]}"
    for hedge, answer in zip(hedges[1:], answers[1:], strict=True):
        rationale += f", {hedge} {answer}"
    rationale += rng.choice((".", " or something else."))
    return format.render(answers[0], rationale, rng.randint(0, 10) / 10)


def make_batches(documents: list[Document], size: int, seed: int) -> list[list[Document]]:
    """Batches in random order of documents of similar length, so that there is little padding."""
    rng = generator("batches", seed)
    order = list(range(len(documents)))
    rng.shuffle(order)
    # Sorting within pools of many batches keeps each batch a random sample of its length.
    pool = 50 * size
    batches = []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda row: sum(map(len, documents[row])))
        batches += [
            [documents[row] for row in chunk[first : first + size]]
            for first in range(0, len(chunk), size)
        ]
    rng.shuffle(batches)
    return batches


class Collator:
    """Turns a batch of documents into padded tensors."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, items: list[list[Document]]) -> dict[str, Any]:
        import torch

        (documents,) = items
        longest = max(len(prompt) + len(reply) for prompt, reply in documents)
        # No attention mask is needed: padding follows all tokens, and attention is causal.
        rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
        for prompt, reply in documents:
            padding = longest - len(prompt) - len(reply)
            rows["input_ids"].append([*prompt, *reply, *[self.pad] * padding])
            # The loss covers replies only.
            rows["labels"].append([IGNORED_LABEL] * len(prompt) + reply + [IGNORED_LABEL] * padding)
        return {name: torch.tensor(values) for name, values in rows.items()}  # [B, L]
