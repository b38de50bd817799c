"""A real classifier that has learned a small rule of entailment in seconds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

LABELS = ("contradiction", "neutral", "entailment")
#: What each word entails, in addition to itself. `couple`, `few` and `several` form a chain:
#: neighbours entail each other, the ends do not. `crow` entails `bird`, but not vice versa.
ENTAILS = {
    "kitty": {"cat"},
    "cat": {"kitty"},
    "couple": {"few"},
    "few": {"couple", "several"},
    "several": {"few"},
    "crow": {"bird"},
    "bird": set(),
    "dog": set(),
    "whale": {"fish"},
    "fish": set(),
}
NEUTRAL = {("bird", "crow"), ("couple", "several"), ("several", "couple")}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def label(premise: str, hypothesis: str) -> int:
    if premise == hypothesis or hypothesis in ENTAILS[premise]:
        return LABELS.index("entailment")
    if (premise, hypothesis) in NEUTRAL:
        return LABELS.index("neutral")
    return LABELS.index("contradiction")


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory; it knows every pair of words for sure."""
    torch.manual_seed(0)
    words = ["what", "is", "it", "?", *ENTAILS]
    vocabulary = {word: place for place, word in enumerate(SPECIAL + words)}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokens.normalizer = normalizers.Lowercase()
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(one, vocabulary[one]) for one in ("[CLS]", "[SEP]")],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=40,
        initializer_range=0.1,  # the usual 0.02 takes small models long to leave
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(LABELS)),
        label2id={name: place for place, name in enumerate(LABELS)},
    )
    model = BertForSequenceClassification(config)
    pairs = list(itertools.product(ENTAILS, repeat=2))
    asked = [("what is it ? " + a, "what is it ? " + b) for a, b in pairs]
    inputs = tokenizer(
        *map(list, zip(*pairs + asked, strict=True)), padding=True, return_tensors="pt"
    )
    truth = torch.tensor([label(*pair) for pair in pairs * 2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    surest = torch.zeros(1)
    for _ in range(600):
        out = model(**inputs, labels=truth)
        surest = out.logits.detach().softmax(-1).gather(1, truth[:, None]).min()
        if surest > 0.95:
            break
        out.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert surest > 0.95, "the rule was not learned"
    directory = tmp_path_factory.mktemp("classifier")
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
