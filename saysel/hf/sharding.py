"""Models sharded over processes while they are trained, with FSDP2 (`fully_shard` of torch).

Each process holds a part of every weight of the decoder's layers, with its gradient and the state
of the optimizer; a layer's weights are put together while it computes. Embeddings and head are
copied to every process, because they are also used outside of the model's forward pass.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saysel.errors import DataError, UsageError
from saysel.hf import processes

if TYPE_CHECKING:
    from torch import Tensor


def shard(model: Any) -> None:
    """Shard a model over the processes, if they were started for that.

    Raises:
        UsageError: the installed torch cannot do it.
        DataError: the model is quantized.
    """
    if not processes.sharded():
        return
    from inspect import signature

    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    if "ignored_params" not in signature(fully_shard).parameters:
        raise UsageError("--shard needs torch 2.7 or newer: pip install -U torch")
    if getattr(model, "hf_quantizer", None) is not None:
        raise DataError("a quantized model cannot be sharded: leave out --shard or quantization")
    dtypes = {
        name: weight.model_dtype
        for name, weight in model.named_parameters()
        if hasattr(weight, "model_dtype")
    }
    decoder, layers = _decoder(model)
    mesh = init_device_mesh(model.device.type, (processes.count(),))
    for layer in layers:
        fully_shard(layer, mesh=mesh)
    in_layers = {weight for layer in layers for weight in layer.parameters()}
    others = {weight for weight in decoder.parameters() if weight not in in_layers}
    fully_shard(decoder, mesh=mesh, ignored_params=others)
    for name, weight in model.named_parameters():
        if name in dtypes:
            weight.model_dtype = dtypes[name]  # see saysel.hf.master_weights


def _decoder(model: Any) -> tuple[Any, list[Any]]:
    """The module that runs the decoder's layers, and these: the largest list of modules."""
    import torch

    lists = [
        (parent, child)
        for parent in model.modules()
        for child in parent.children()
        if isinstance(child, torch.nn.ModuleList)
    ]
    decoder, layers = max(
        lists, key=lambda pair: sum(weight.numel() for weight in pair[1].parameters())
    )
    return decoder, list(layers)


def is_sharded(weight: Any) -> bool:
    """Whether this process holds a part of a weight."""
    if not processes.sharded():
        return False
    from torch.distributed.tensor import DTensor

    return isinstance(weight, DTensor)


def _modules(model: Any) -> list[Any]:
    from torch.distributed.fsdp import FSDPModule

    return [module for module in model.modules() if isinstance(module, FSDPModule)]


@contextmanager
def gathered(model: Any) -> Iterator[None]:
    """Inside this block, every process holds the whole model, for sampling from it.

    Processes take different numbers of forward passes there, so these must not communicate.
    """
    if not processes.sharded():
        yield
        return
    for module in _modules(model):
        module.set_reshard_after_forward(False, recurse=False)
        module.unshard()
    try:
        yield
    finally:
        for module in _modules(model):
            module.set_reshard_after_forward(True, recurse=False)
            module.reshard()


def unshard(model: Any) -> None:
    """Put a model together on the CPU of the first process, for saving; it is not trained again."""
    import torch

    for module in model.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if is_sharded(weight):
                gathered_weight = weight.full_tensor()  # all processes take part
                if processes.rank() == 0:
                    whole: Any = torch.nn.Parameter(gathered_weight.cpu(), weight.requires_grad)
                    if hasattr(weight, "model_dtype"):
                        whole.model_dtype = weight.model_dtype
                    module._parameters[name] = whole


def whole(state: Any) -> Any:
    """The state of an optimizer, or a weight, with its parts of all processes put together."""
    if isinstance(state, dict):
        return {key: whole(value) for key, value in state.items()}
    return state.full_tensor().cpu() if is_sharded(state) else state


def like(weight: Any, value: Any) -> Any:
    """This process's part of a whole tensor, if the weight to which it belongs is sharded."""
    if not is_sharded(weight) or is_sharded(value) or value.shape != weight.shape:
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(weight.device), weight.device_mesh, weight.placements)


def load_optimizer(optimizer: Any, state: Any) -> None:
    """Restore the state of an optimizer that `whole` has put together."""
    optimizer.load_state_dict(state)
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            moments[name] = like(weight, value)


def separate(optimizer: Any) -> None:
    """Put sharded weights and others into separate groups: no operation takes both."""
    if not processes.sharded():
        return
    groups = []
    for group in optimizer.param_groups:
        for kind in (True, False):
            weights = [weight for weight in group["params"] if is_sharded(weight) is kind]
            if weights:
                groups.append({**group, "params": weights})
    optimizer.param_groups[:] = groups


def gradient_norm(weights: Iterable[Tensor]) -> Tensor:
    """The norm of all gradients, those of sharded weights included."""
    import torch

    kinds: dict[bool, list[Any]] = {}
    for weight in weights:
        if weight.grad is not None:
            kinds.setdefault(is_sharded(weight), []).append(weight.grad)
    norms: list[Any] = [torch.nn.utils.get_total_norm(gradients) for gradients in kinds.values()]
    whole = [norm.full_tensor() if is_sharded(norm) else norm for norm in norms]
    return torch.linalg.vector_norm(torch.stack(whole)) if whole else torch.zeros(())


def clip_gradients(weights: Iterable[Tensor], max_norm: float, *_: Any) -> Tensor:
    """Scale the gradients to a norm of at most `max_norm`; returns the norm before."""
    import torch

    weights = list(weights)
    norm = gradient_norm(weights)
    for kind in (True, False):
        group = [weight for weight in weights if is_sharded(weight) is kind]
        torch.nn.utils.clip_grads_with_norm_(group, max_norm, norm)
    return norm


def save(directory: str | Path, model: Any, optimizer: Any, schedule: Any) -> None:
    """Save the state of training; each process writes its part."""
    from torch.distributed.checkpoint import state_dict_saver

    state_dict_saver.save(_state(model, optimizer, schedule), checkpoint_id=str(directory))


def was_sharded(checkpoint: Path) -> bool:
    """Whether `save` wrote a checkpoint."""
    return any(checkpoint.glob("*.distcp"))


def delete_older(directory: str | Path, kept: int | None) -> None:
    """Delete all checkpoints in a directory but the last ones; `None` keeps all."""
    found = Path(directory).glob("checkpoint-*")
    checkpoints = sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))
    for old in checkpoints[: -kept if kept else 0]:
        shutil.rmtree(old, ignore_errors=True)


def restore(directory: str | Path, model: Any, optimizer: Any, schedule: Any) -> None:
    """Restore what `save` wrote."""
    from torch.distributed.checkpoint import state_dict_loader
    from torch.distributed.checkpoint.state_dict import set_state_dict

    state = _state(model, optimizer, schedule)
    state_dict_loader.load(state, checkpoint_id=str(directory))
    set_state_dict(
        model,
        _plain(optimizer),
        model_state_dict=state["model"],
        optim_state_dict=state["optimizer"],
    )
    schedule.load_state_dict(state["schedule"])


def _state(model: Any, optimizer: Any, schedule: Any) -> dict[str, Any]:
    from torch.distributed.checkpoint.state_dict import get_state_dict

    weights, moments = get_state_dict(model, _plain(optimizer))
    return {"model": weights, "optimizer": moments, "schedule": schedule.state_dict()}


def _plain(optimizer: Any) -> Any:
    """The optimizer of torch inside the one of accelerate."""
    return getattr(optimizer, "optimizer", optimizer)
