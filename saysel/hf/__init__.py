"""Everything that touches torch, transformers, PEFT and TRL, imported only where it is used.

Trainers and models of plugins build on the names exported here.
"""

from saysel.hf.chat import (
    decode_replies,
    encode,
    encode_replies,
    end_of_turn,
    render,
    without_thoughts,
)
from saysel.hf.confidence_starts import at_confidences, confidence_starts
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.continuations import ReadTexts, continued, logprobs_after, read_texts
from saysel.hf.data_parallel import check_batch_size
from saysel.hf.decoding import Decoding
from saysel.hf.expected_confidence import read_confidence
from saysel.hf.generation import Reply, end_tokens, generate, generated_tokens
from saysel.hf.gguf import at_gguf, require_gguf
from saysel.hf.gradient_checkpointing import checkpoint_layers, disable_dropout
from saysel.hf.hidden_states import LOGITS_PER_CHUNK, in_chunks, in_turn, last_hidden_states, logits
from saysel.hf.hub_cache import cached_snapshot
from saysel.hf.installed import check_installed
from saysel.hf.interruption import defer_interrupt
from saysel.hf.loading import (
    device,
    error_summary,
    load_model,
    load_tokenizer,
    load_trainable,
    model_at,
    release,
    resident,
    silence_libraries,
)
from saysel.hf.logprobs import next_token_logprobs, pad_left, reply_logprobs
from saysel.hf.loss_trainer import loss_trainer
from saysel.hf.master_weights import autocast
from saysel.hf.model_faults import check_length
from saysel.hf.model_files import check_model_files, is_local
from saysel.hf.saving import base_name, save, save_trained
from saysel.hf.sentence_embeddings import Embedder, check_sentence_transformers, sentence_model
from saysel.hf.soft_confidence import at_branches, stated_logprobs
from saysel.hf.trainer_arguments import (
    batch_arguments,
    fine_tuning_arguments,
    max_logits,
    on_one_device,
    sft_config,
    training_arguments,
    trl_config,
)
from saysel.hf.training import (
    IGNORED_LABEL,
    fit,
    log_callback,
    progress_callback,
    reply_trainer,
)
from saysel.hf.update_guard import UpdateGuard

__all__ = [
    "IGNORED_LABEL",
    "LOGITS_PER_CHUNK",
    "ConfidenceTokens",
    "Decoding",
    "Embedder",
    "ReadTexts",
    "Reply",
    "UpdateGuard",
    "at_branches",
    "at_confidences",
    "at_gguf",
    "autocast",
    "base_name",
    "batch_arguments",
    "cached_snapshot",
    "check_batch_size",
    "check_installed",
    "check_length",
    "check_model_files",
    "check_sentence_transformers",
    "checkpoint_layers",
    "confidence_starts",
    "continued",
    "decode_replies",
    "defer_interrupt",
    "device",
    "disable_dropout",
    "encode",
    "encode_replies",
    "end_of_turn",
    "end_tokens",
    "error_summary",
    "fine_tuning_arguments",
    "fit",
    "generate",
    "generated_tokens",
    "in_chunks",
    "in_turn",
    "is_local",
    "last_hidden_states",
    "load_model",
    "load_tokenizer",
    "load_trainable",
    "log_callback",
    "logits",
    "logprobs_after",
    "loss_trainer",
    "max_logits",
    "model_at",
    "next_token_logprobs",
    "on_one_device",
    "pad_left",
    "progress_callback",
    "read_confidence",
    "read_texts",
    "release",
    "render",
    "reply_logprobs",
    "reply_trainer",
    "require_gguf",
    "resident",
    "save",
    "save_trained",
    "sentence_model",
    "sft_config",
    "silence_libraries",
    "stated_logprobs",
    "training_arguments",
    "trl_config",
    "without_thoughts",
]
