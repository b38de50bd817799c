"""CaTS (Self-Calibration, arXiv 2503.00031): the agreement of samples, distilled.

The answer a of a sampled reply is worth the share of the samples that give it, weighted by their
confidences p_j:

    s(a) = sum_j p_j [a_j = a] / sum_j p_j
    loss = SmoothL1(p, s) + weight * [s >= threshold] * (mean negative log-probability of the reply)

with p the probability that the model gives to its answer being right. No accepted answers are
needed.

Deviations: the paper asks "Is the answer correct?" and reads p from "Yes"; here p is the expected
value of the confidence after the marker, and p_j the confidence that the sample states (1 if it
states none). The samples are those of the sample stage, of which one for each distinct answer is
learned from; answers are compared as text, without case. The released code learns from as many
samples of each twentieth of s, and draws other samples for the second term.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import Field

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import TrainingData
from saysel.records import ModelRef, Response
from saysel.trainers.lora import new_adapter
from saysel_rivals.csr import same
from saysel_rivals.tuning import Tuning

if TYPE_CHECKING:
    from torch import Tensor


class AgreementRow(NamedTuple):
    """A reply to learn from.

    Attributes:
        context: token ids of the prompt and of the reply up to and including the marker.
        rest: token ids of the rest of the reply; empty if the reply was cut, because "1" may be
            the beginning of "10".
        prompt: how many tokens of the context are the prompt's.
        share: of the samples that give the same answer, weighted, in [0, 1].
    """

    context: list[int]
    rest: list[int]
    prompt: int
    share: float


class AgreementTrainer(Tuning):
    """Teach the confidence to predict the share of the samples that agree with the answer."""

    version: ClassVar[int] = 2

    beta: float = Field(0.25, gt=0, description="where the loss changes from squares to distances")
    weight: float = Field(0.1, ge=0, description="weight of the language modelling loss")
    threshold: float = Field(
        0.75, ge=0, le=1, description="least share of a reply that is itself learned"
    )

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """See the interface.

        Raises:
            StageError: no sample states a confidence, or several updates in a row were not finite.
        """
        import torch

        torch.manual_seed(data.seed)  # initialises a new adapter
        tokenizer = hf.load_tokenizer(model)
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        tokens = hf.ConfidenceTokens(data.format, tokenizer, hf.end_tokens(lm, tokenizer))
        rows = agreement_rows(tokenizer, data)
        if not rows and self._smoke:
            rows = rows_of_examples(tokenizer, data)
        if not rows:
            raise StageError(
                "agreement: no sampled response has an answer followed by "
                f"'{data.format.confidence_marker}': sample from a model that states confidences"
            )

        def collate(batch: Sequence[AgreementRow]) -> dict[str, Tensor]:
            return self._tensors(batch, tokens, tokenizer.pad_token_id)

        def loss(policy: Any, inputs: dict[str, Tensor]) -> Tensor:
            logprobs = hf.stated_logprobs(policy, inputs, tokens)  # [B, C]
            p = logprobs.softmax(-1) @ torch.tensor(tokens.values).to(logprobs.device)
            smooth = torch.nn.functional.smooth_l1_loss(p, inputs["shares"], beta=self.beta)
            return smooth + self.weight * reply_loss(policy, inputs)

        return self.fit("agreement", lm.train(), rows, collate, loss, model, data, directory)

    def _tensors(
        self, batch: Sequence[AgreementRow], tokens: hf.ConfidenceTokens, pad: int
    ) -> dict[str, Tensor]:
        import torch

        cpu = torch.device("cpu")
        ids, mask = hf.pad_left([row.context + row.rest for row in batch], pad, cpu)
        labels = [
            [hf.IGNORED_LABEL] * row.prompt + (row.context[row.prompt :] + row.rest)
            if row.share >= self.threshold
            else [hf.IGNORED_LABEL] * (len(row.context) + len(row.rest))
            for row in batch
        ]
        return {
            **hf.at_branches([row.context for row in batch], tokens, pad),
            "reply_ids": ids,
            "reply_mask": mask,
            "labels_of_replies": hf.pad_left(labels, hf.IGNORED_LABEL, cpu)[0],
            "shares": torch.tensor([row.share for row in batch]),
        }


def reply_loss(lm: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Mean negative log-probability of the tokens of the replies to learn; 0 if there are none.

    The mean over all replies of the mean over their tokens; replies without a label count as 0.
    """
    import torch

    labels, mask = inputs["labels_of_replies"], inputs["reply_mask"]
    if not bool((labels != hf.IGNORED_LABEL).any()):
        return torch.zeros((), device=labels.device)
    logits = lm(
        input_ids=inputs["reply_ids"],
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=False,
    ).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(
        logits.float().transpose(1, 2),
        labels[:, 1:],
        ignore_index=hf.IGNORED_LABEL,
        reduction="none",
    )  # [B, L - 1]
    sizes = (labels[:, 1:] != hf.IGNORED_LABEL).sum(-1).clamp(min=1)
    return (losses.sum(-1) / sizes).mean()


def agreement_rows(tokenizer: Any, data: TrainingData) -> list[AgreementRow]:
    """One row for each distinct answer to each question, from the sampled responses."""
    prompt_of = {question.id: data.format.prompt(question) for question in data.questions()}
    by_question: dict[str, list[Response]] = defaultdict(list)
    for response in data.responses():
        if response.answer is not None and response.question_id in prompt_of:
            by_question[response.question_id].append(response)
    replies: list[tuple[Any, str, float, bool]] = []
    for id, responses in by_question.items():
        shares = weighted_shares(data, responses)
        first: dict[str | None, Response] = {}
        for one in responses:
            if data.format.marker_end(one.text, cut=one.cut) is not None:
                first.setdefault(same(one.answer), one)
        replies += [
            (prompt_of[id], one.text, shares[answer], one.cut) for answer, one in first.items()
        ]
    return encoded(tokenizer, data, replies)


def weighted_shares(data: TrainingData, responses: Sequence[Response]) -> dict[str | None, float]:
    """The share of each answer, each response weighted by its stated confidence."""
    stated = [data.format.parse(one.text, cut=one.cut).confidence for one in responses]
    weights = [1.0 if confidence is None else confidence for confidence in stated]
    if not sum(weights):
        weights = [1.0] * len(responses)
    shares: dict[str | None, float] = defaultdict(float)
    for response, weight in zip(responses, weights, strict=True):
        shares[same(response.answer)] += weight / sum(weights)
    return shares


def rows_of_examples(tokenizer: Any, data: TrainingData) -> list[AgreementRow]:
    """The examples in place of samples, for a smoke test whose model cannot reply yet."""
    examples = [one for one in data.examples() if data.format.confidence_marker in one.completion]
    return encoded(
        tokenizer,
        data,
        [(one.prompt, one.completion, one.confidence or 0.0, False) for one in examples],
    )


def encoded(
    tokenizer: Any, data: TrainingData, replies: Sequence[tuple[Any, str, float, bool]]
) -> list[AgreementRow]:
    """Rows from the prompt, the text and the share of each reply, and whether it was cut."""
    chats = [prompt for prompt, *_ in replies]
    texts = hf.without_thoughts(tokenizer, chats, [text for _, text, *_ in replies])
    beginnings = [
        text[: data.format.marker_end(text, cut=cut)]
        for text, (*_, cut) in zip(texts, replies, strict=True)
    ]
    prompts = hf.encode(tokenizer, chats)
    starts = hf.encode_replies(tokenizer, beginnings)
    wholes = hf.encode_replies(tokenizer, [text + tokenizer.eos_token for text in texts])
    return [
        AgreementRow(
            prompt + start, [] if cut else whole[len(start) :], len(prompt), min(1.0, share)
        )
        for prompt, start, whole, (_, _, share, cut) in zip(
            prompts, starts, wholes, replies, strict=True
        )
    ]
