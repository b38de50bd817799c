"""Writes a Llama as a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

#: Parts of the names of weights: transformers' and llama.cpp's.
NAMES = {
    "model.embed_tokens.": "token_embd.",
    "model.norm.": "output_norm.",
    "model.layers.": "blk.",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
}


def write_gguf(model: Path, file: Path) -> None:
    """Write a directory with a Llama of tied embeddings and a byte-level BPE tokenizer."""
    config = json.loads((model / "config.json").read_text())
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, model)
    for name, weight in load_file(model / "model.safetensors").items():
        if "q_proj" in name or "k_proj" in name:
            weight = _interleaved(weight, config["num_attention_heads"])
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        writer.add_tensor(name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """The rows of a query or key projection in llama.cpp's order, [heads * dim, width]."""
    dim, width = weight.shape[0] // heads, weight.shape[1]
    return weight.reshape(heads, 2, dim // 2, width).swapaxes(1, 2).reshape(weight.shape)


def _add_tokenizer(writer: gguf.GGUFWriter, model: Path) -> None:
    content = json.loads((model / "tokenizer.json").read_text())
    special = {token["content"]: token["id"] for token in content["added_tokens"]}
    tokens = {**content["model"]["vocab"], **special}
    kinds = (gguf.TokenType.NORMAL, gguf.TokenType.CONTROL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(sorted(tokens, key=tokens.__getitem__))
    writer.add_token_types([kinds[t in special] for t in sorted(tokens, key=tokens.__getitem__)])
    writer.add_token_merges([" ".join(pair) for pair in content["model"]["merges"]])
    writer.add_bos_token_id(special["<|end|>"])  # transformers 4 takes it for the end token
    writer.add_eos_token_id(special["<|end|>"])
    writer.add_pad_token_id(special["<|pad|>"])
    writer.add_chat_template((model / "chat_template.jinja").read_text())
