"""Data parallelism: each process computes gradients on its share of a batch, and they are averaged.

The batch size is that of all processes together, and the order of the rows does not depend on
their number, so the loss curve is that of one process, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from saysel.errors import UsageError
from saysel.hf import processes, sharding

if TYPE_CHECKING:
    from torch import Tensor


def check_batch_size(trainer: str, batch_size: int, option: str = "batch_size") -> None:
    """Check that a batch can be divided among the processes.

    Args:
        trainer: its name, for the message.
        option: what `batch_size` is called.

    Raises:
        UsageError: it cannot.
    """
    if batch_size % processes.available():
        raise UsageError(
            f"{trainer}: {option} {batch_size} cannot be divided among {processes.available()} "
            "processes: choose a multiple, or another number of processes"
        )


def average(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes."""
    from torch import distributed

    total = value.detach().clone()
    if processes.count() > 1:
        distributed.all_reduce(total)
    return total / processes.count()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace the gradients by their means over all processes, before clipping.

    A missing gradient counts as zero. Those of sharded weights are averaged already.
    """
    import torch

    if processes.count() == 1:
        return
    weights = [weight for weight in parameters if weight.requires_grad]
    replicated = [weight for weight in weights if not sharding.is_sharded(weight)]
    for weight in replicated:
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
    for _, group in _by_type(replicated):
        means = average(
            torch.cat([weight.grad.flatten() for weight in group if weight.grad is not None])
        )
        sizes = [weight.numel() for weight in group]
        for weight, mean in zip(group, torch.split(means, sizes), strict=True):
            weight.grad = mean.view_as(weight)


def _by_type(weights: Sequence[Tensor]) -> Iterator[tuple[Any, list[Tensor]]]:
    """Weights that can be sent together."""
    groups: dict[Any, list[Tensor]] = {}
    for weight in weights:
        groups.setdefault((weight.device, weight.dtype), []).append(weight)
    yield from groups.items()


def own_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """This process's share of some rows, and the weight of each in a mean over processes, [m].

    All processes get equally many, because those that shard a model have to take the same steps;
    a row that only fills up has weight 0.
    """
    import torch

    count = processes.count()
    size = -(-len(rows) // count)
    own = rows[processes.rank() * size : (processes.rank() + 1) * size]
    if count == 1:
        return own, torch.ones(size, device=rows.device)
    weights = torch.zeros(size, device=rows.device)
    weights[: len(own)] = count
    return torch.cat([own, rows[:1].expand(size - len(own))]), weights


def joined(own: Tensor, size: int) -> Tensor:
    """The values for all of `size` rows, from those for the `own_rows` of each process."""
    if processes.count() == 1:
        return own
    import torch
    from torch import distributed

    parts = [torch.empty_like(own) for _ in range(processes.count())]
    distributed.all_gather(parts, own.contiguous())
    return torch.cat(parts)[:size]


def divide(trainer: Any) -> None:
    """Make a transformers Trainer work on its process's share of each batch.

    A Trainer whose data set is its own share already says so with the attribute `has_own_rows`.
    The loss of a micro-batch has to be a mean over its rows, or a sum divided by the number of
    tokens that the Trainer counts.
    """
    if processes.count() == 1:
        return
    base = type(trainer)

    class DividedTrainer(base):  # type: ignore[misc,valid-type]
        def get_train_dataloader(self) -> Any:
            loader = super().get_train_dataloader()
            rows = loader.batch_sampler
            if not getattr(self, "has_own_rows", False):
                rows.sampler = OwnRows(rows.sampler, rows.batch_size)
            return loader

        def get_batch_samples(self, *arguments: Any) -> tuple[list[Any], Any]:
            batches, tokens = super().get_batch_samples(*arguments)
            if tokens is not None:  # a sum divided by their mean becomes a mean over processes
                tokens = average(tokens.float())
            return batches, tokens

        def training_step(self, model: Any, *arguments: Any, **options: Any) -> Any:
            loss = super().training_step(model, *arguments, **options)
            if self.accelerator.sync_gradients:
                average_gradients(model.parameters())
            return average(loss)

        def create_optimizer(self, *arguments: Any) -> Any:
            optimizer = super().create_optimizer(*arguments)
            sharding.separate(optimizer)
            return optimizer

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            if processes.sharded():
                directory = f"{self.args.output_dir}/checkpoint-{self.state.global_step}"
                sharding.save(directory, model, self.optimizer, self.lr_scheduler)
                if processes.rank() == 0:
                    self.state.save_to_json(f"{directory}/trainer_state.json")
                    sharding.delete_older(self.args.output_dir, self.args.save_total_limit)
            elif processes.rank() == 0:
                super()._save_checkpoint(model, trial)

        def _load_from_checkpoint(self, path: str, model: Any = None) -> None:
            if not processes.sharded():
                super()._load_from_checkpoint(path, model)

        def _load_optimizer_and_scheduler(self, path: str | None) -> None:
            if not processes.sharded():
                super()._load_optimizer_and_scheduler(path)
            elif path is not None:
                sharding.restore(path, self.model, self.optimizer, self.lr_scheduler)

    trainer.__class__ = DividedTrainer
    if processes.sharded():
        trainer.accelerator.clip_grad_norm_ = sharding.clip_gradients


class OwnRows:
    """The rows of this process, from a sampler of the rows of all processes.

    Of every `count * size` consecutive rows, each process gets consecutive ones, `size` of them
    except at the end of an epoch. If fewer rows than processes are left there, some are used
    twice.

    Attributes:
        rows: the sampler.
        size: rows in a micro-batch of one process.
    """

    def __init__(self, rows: Any, size: int) -> None:
        self.rows = rows
        self.size = size

    def __iter__(self) -> Iterator[int]:
        remaining = iter(self.rows)
        while batch := list(islice(remaining, processes.count() * self.size)):
            yield from processes.part(batch) or batch[:1]

    def __len__(self) -> int:
        whole, rest = divmod(len(self.rows), processes.count() * self.size)
        return whole * self.size + (len(processes.part(range(rest))) or min(1, rest))

    def set_epoch(self, epoch: int) -> None:
        """Change the order of the rows, where the sampler has another one for each epoch."""
        if hasattr(self.rows, "set_epoch"):
            self.rows.set_epoch(epoch)
