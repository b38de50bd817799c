"""Room in a cache of keys and values for the tokens to come.

A layer of transformers' `DynamicCache` copies all of its keys and values to append one token. In a
layer with room, only the new ones are written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def reserve(cache: Any, tokens: int) -> None:
    """Make room for more tokens in a `DynamicCache`; when it is full, it copies again.

    Selecting or repeating rows gives the room up. Layers with a sliding window, which keep their
    last positions only, have none.
    """
    from transformers.cache_utils import DynamicLayer

    with_room = _layer_with_room()
    for number, layer in enumerate(cache.layers):
        if type(layer) in (DynamicLayer, with_room) and layer.get_seq_length():
            cache.layers[number] = with_room(layer, tokens)


@lru_cache(maxsize=1)
def _layer_with_room() -> Any:
    """The class of these layers, which needs transformers."""
    from transformers.cache_utils import DynamicLayer

    class LayerWithRoom(DynamicLayer):  # type: ignore[misc]
        """Keys and values at the start of larger tensors, [B, H, L + tokens, D]."""

        keys: Any
        values: Any

        def __init__(self, layer: Any, tokens: int) -> None:
            super().__init__()
            self.__dict__.update(vars(layer))
            self.key_room, self.keys = _copied(layer.keys, tokens)
            self.value_room, self.values = _copied(layer.values, tokens)

        def update(self, keys: Any, values: Any, *arguments: Any, **options: Any) -> Any:
            begin = self.keys.shape[-2]
            end = begin + keys.shape[-2]
            starts_in_room = self.keys.data_ptr() == self.key_room.data_ptr()
            if not starts_in_room or end > self.key_room.shape[-2]:
                return super().update(keys, values, *arguments, **options)
            self.key_room[..., begin:end, :] = keys
            self.value_room[..., begin:end, :] = values
            self.keys = self.key_room[..., :end, :]
            self.values = self.value_room[..., :end, :]
            return self.keys, self.values

    return LayerWithRoom


def _copied(states: Any, tokens: int) -> tuple[Any, Any]:
    """A larger tensor that begins with some states, [B, H, L, D], and a view of these.

    The rest is 0, because `single_token_attention` reads it, with weight 0.
    """
    *rows, length, width = states.shape
    room = states.new_zeros(*rows, length + tokens, width)
    room[..., :length, :] = states
    return room, room[..., :length, :]
