"""Tiny models of real architectures, with a tokenizer and a chat template of each family's kind."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from saysel import hf
from saysel.records import ModelRef

#: As small as an attention layer with grouped heads can be.
SIZE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}
TURNS = "{% for message in messages %}"
TEMPLATES = {
    # No system role: the user's turn is put in brackets.
    "Mistral": "{{ bos_token }}" + TURNS + "{% if message['role'] == 'user' %}"
    "[INST] {{ message['content'] }} [/INST]"
    "{% elif message['role'] == 'assistant' %} {{ message['content'] }}{{ eos_token }}"
    "{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}",
    # Named headers around each turn.
    "Llama": "{{ bos_token }}" + TURNS + "<|head|>{{ message['role'] }}<|body|>\n\n"
    "{{ message['content'] | trim }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|head|>assistant<|body|>\n\n{% endif %}",
    # ChatML.
    "Qwen2": TURNS + "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    # ChatML, and an empty thought where the user asks for none.
    "Qwen3": TURNS + "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    # No system role, and the assistant is called model.
    "Gemma": "{{ bos_token }}" + TURNS + "{% if message['role'] == 'system' %}"
    "{{ raise_exception('no system role') }}{% endif %}"
    "<turn>{{ 'model' if message['role'] == 'assistant' else 'user' }}\n"
    "{{ message['content'] | trim }}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<turn>model\n{% endif %}",
}


def build(family: str, tokens_of: ModelRef, directory: Path) -> ModelRef:
    """A model with random weights, and the words of another's tokenizer."""
    torch.manual_seed(0)
    tokenizer = hf.load_tokenizer(tokens_of)
    tokenizer.bos_token = tokenizer.eos_token
    tokenizer.chat_template = TEMPLATES[family]
    config = getattr(transformers, f"{family}Config")(
        **SIZE,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = getattr(transformers, f"{family}ForCausalLM")(config)
    hf.save(model, tokenizer, directory)
    return ModelRef(str(directory))
