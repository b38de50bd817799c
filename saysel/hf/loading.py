"""Everything that touches the moving parts of transformers, TRL and PEFT.

Models and tokenizers are loaded here, prompts are rendered here, and training checkpoints are
made safe here, so that another version of those libraries is a change to one file.
"""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from saysel.errors import DataError
from saysel.hf import master_weights, memory, model_faults
from saysel.hf.chat import decode_replies as decode_replies
from saysel.hf.chat import render as render
from saysel.hf.interruption import deferred
from saysel.hf.update_guard import guard_callback
from saysel.interfaces import Progress, Prompt
from saysel.records import ModelRef
from saysel.storage import finish, read_json, whole

#: Model and tokenizer that were last asked for.
_RESIDENT: dict[ModelRef, tuple[Any, Any]] = {}
#: Written into a checkpoint directory when all of it is on disk; lists its files.
COMPLETE = "complete.json"


class Preference(NamedTuple):
    """Two replies to a prompt, the better one first, as token ids.

    Attributes:
        reference_chosen, reference_rejected: log-probability of each reply before training, summed
            over its tokens, in nats.
    """

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    reference_chosen: float
    reference_rejected: float


def quiet() -> None:
    """No progress bars or advice from the libraries: saysel tells its own progress."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # PEFT still reads it.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def device() -> str:
    """The accelerator if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def check(ref: ModelRef) -> None:
    """See that what should be a directory with a model or an adapter is one.

    Raises:
        DataError: it is not; hub ids are left to the hub.
    """
    for path, file, what in (
        (ref.path, "config.json", "model"),
        (ref.adapter, "adapter_config.json", "adapter"),
    ):
        if path is None:
            continue
        if not Path(path).exists() and (path.startswith((".", "/", "~")) or path.count("/") > 1):
            raise DataError(f"{path}: there is no such {what} directory")
        if Path(path).exists() and not (Path(path) / file).is_file():
            if (Path(path) / "adapter_config.json").is_file():
                raise DataError(
                    f"{path}: holds an adapter and no {file}: name its base as the model, and this "
                    "directory as its adapter"
                )
            raise DataError(
                f"{path}: not {'an' if what == 'adapter' else 'a'} {what} directory, it has no "
                f"{file}: name a directory that was saved with save_pretrained, or a hub id"
            )


def model_at(place: str) -> ModelRef:
    """The model that a directory or hub id stands for; of an adapter, with the base that it names.

    Raises:
        DataError: an adapter's configuration names no base.
    """
    folder = Path(place)
    if (folder / "config.json").is_file() or not (folder / "adapter_config.json").is_file():
        return ModelRef(place)
    content = read_json(folder / "adapter_config.json")
    base = content.get("base_model_name_or_path") if isinstance(content, dict) else None
    if not isinstance(base, str) or not base:
        raise DataError(f"{place}: its adapter_config.json names no base (base_model_name_or_path)")
    return ModelRef(base, adapter=place)


@contextmanager
def _loading(ref: ModelRef) -> Iterator[None]:
    """Whatever the libraries find wrong with a model, in one line.

    Raises:
        DataError: files are missing or broken, the hub cannot be reached, it has no such model, or
            memory has no room for it.
    """
    from safetensors import SafetensorError

    quiet()
    check(ref)
    try:
        yield
    except (OSError, ValueError, TypeError, ImportError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise DataError(f"{ref.adapter or ref.path}: cannot be loaded: {reason(error)}") from error
    except (RuntimeError, MemoryError) as error:
        if not memory.ran_out(error):
            raise
        raise DataError(
            f"{ref.path}: memory has no room for it: choose a smaller model or dtype, "
            "quantization, or device_map: auto"
        ) from error


def reason(error: Exception) -> str:
    """What a library says about a model that it cannot load, in one line."""
    text = str(error).strip() or type(error).__name__
    if "trust_remote_code" in text:
        return (
            "it needs Python code that comes with it, and saysel runs none: choose a model that "
            "transformers loads by itself"
        )
    return text.splitlines()[0]


def load_tokenizer(ref: ModelRef) -> Any:
    """The model's tokenizer, padding on the left as generation needs it.

    Raises:
        DataError: it cannot be loaded.
    """
    with _loading(ref):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            ref.path, revision=ref.revision, padding_side="left", trust_remote_code=False
        )
    model_faults.check_tokenizer(ref, tokenizer)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(ref: ModelRef) -> Any:
    """The model with its adapter, on the accelerator, in evaluation mode.

    Raises:
        DataError: it cannot be loaded.
    """
    return _load(ref, trainable=False).eval()


def load_trainable(ref: ModelRef, new_adapter: Any = None) -> Any:
    """The model in training mode, with the weights that training changes held in float32.

    These are the weights of its adapter, of a new one, or else all of them.

    Args:
        new_adapter: PEFT's configuration of an adapter to add, for a model that has none. It is
            initialised from torch's global generator.

    Raises:
        DataError: the model cannot be loaded, or all weights of a quantized model would be
            trained.
    """
    release()  # the model sampled from before is not needed while another is trained
    if ref.adapter is None and new_adapter is None and _is_quantized(ref):
        raise DataError(
            f"{ref.path}: is quantized, and quantized weights cannot be trained: train an adapter "
            "(lora), or load the model without quantization"
        )
    model = _load(ref, trainable=True)
    if new_adapter is not None:
        from peft import get_peft_model

        model = get_peft_model(model, new_adapter)
    master_weights.to_float32(model)
    return model.train()


def _is_quantized(ref: ModelRef) -> bool:
    """Whether the weights are quantized, on loading or in the checkpoint already."""
    if ref.quantization is not None:
        return True
    with _loading(ref):
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            ref.path, revision=ref.revision, trust_remote_code=False
        )
    return getattr(config, "quantization_config", None) is not None


def _load(ref: ModelRef, trainable: bool) -> Any:
    with _loading(ref):
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(
            ref.path,
            revision=ref.revision,
            dtype=ref.dtype,
            attn_implementation=ref.attention,
            device_map=ref.device_map or (device() if ref.quantization else None),
            quantization_config=_quantization(ref),
            trust_remote_code=False,
        )
        if ref.adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, ref.adapter, is_trainable=trainable)
        if not (ref.device_map or ref.quantization):  # those are in their place already
            model.to(device())
    model_faults.check_weights(ref, model)
    return model


def _quantization(ref: ModelRef) -> Any:
    """The configuration of bitsandbytes; 4 bits are NF4, doubly quantized (arXiv 2305.14314)."""
    if ref.quantization is None:
        return None
    import torch
    from transformers import BitsAndBytesConfig

    if ref.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if ref.dtype == "auto" else ref.dtype,
    )


def resident(ref: ModelRef) -> tuple[Any, Any]:
    """Model and tokenizer for inference; the last one asked for stays in memory."""
    if ref not in _RESIDENT:
        release()  # the old one goes first: there may be no room for both
        tokenizer = load_tokenizer(ref)  # before the model, which takes longer
        model = load_model(ref)
        model_faults.check_vocabulary(ref, model, tokenizer)
        _RESIDENT[ref] = model, tokenizer
    return _RESIDENT[ref]


def release() -> None:
    """Let go of the model that was kept for inference."""
    _RESIDENT.clear()
    memory.release()


def encode(tokenizer: Any, prompts: Sequence[Prompt]) -> list[list[int]]:
    """Token ids of each prompt, up to where the reply starts."""
    if not prompts:
        return []  # on which tokenizers fail
    texts = [render(tokenizer, prompt) for prompt in prompts]
    # Templates write the special tokens themselves; a second set would shift the model off
    # its training distribution.
    special = tokenizer.chat_template is None
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=special)["input_ids"]
    return ids


def encode_replies(tokenizer: Any, replies: Sequence[str]) -> list[list[int]]:
    """Token ids of each reply, as they follow a prompt; without special tokens."""
    if not replies:
        return []
    ids: list[list[int]] = tokenizer(list(replies), add_special_tokens=False)["input_ids"]
    return ids


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """Every token at which generation stops."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return {end for end in [*listed, tokenizer.eos_token_id] if end is not None}


def can_be_copied(cache: Any) -> bool:
    """Whether a cache is keys and values only, without the states of recurrent layers."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    plain = (DynamicLayer, DynamicSlidingWindowLayer)
    return isinstance(cache, DynamicCache) and all(type(layer) in plain for layer in cache.layers)


def save(model: Any, tokenizer: Any, directory: Path) -> None:
    """Save model (or adapter) and tokenizer as an ordinary pretrained directory, made anew."""
    shutil.rmtree(directory, ignore_errors=True)  # a killed process may have left half of one
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def save_trained(model: Any, tokenizer: Any, base: ModelRef, directory: Path) -> ModelRef:
    """Save what training made of `base`: an adapter beside its base, or a whole model.

    A whole model is saved in the dtype in which it was loaded; `model` has it afterwards.
    """
    from peft import PeftModel

    if not isinstance(model, PeftModel):
        master_weights.to_model_dtype(model)
    save(model, tokenizer, directory)
    if isinstance(model, PeftModel):
        return replace(base, adapter=str(directory))
    return replace(base, path=str(directory), revision=None, adapter=None)


def training_arguments(directory: Path, **options: Any) -> dict[str, Any]:
    """Arguments that all our uses of the transformers Trainer share."""
    return {
        "output_dir": str(directory),
        "report_to": "none",
        "disable_tqdm": True,
        "logging_strategy": "no",
        "save_strategy": "steps",
        "save_total_limit": 2,
        "use_cpu": device() == "cpu",
        "dataloader_pin_memory": device() != "cpu",
        **options,
    }


def batches(size: int, most: int) -> dict[str, int]:
    """Arguments for steps of `size` rows, of which at most so many go into one pass.

    A pass takes the largest part that goes into a step evenly: every step sees a whole batch.
    """
    part = next(part for part in range(min(size, most), 0, -1) if size % part == 0)
    return {"per_device_train_batch_size": part, "gradient_accumulation_steps": size // part}


def on_one_device(config: Any) -> Any:
    """The arguments of a transformers Trainer, for a model that is where it is.

    With several accelerators in sight a Trainer copies the model to all of them and takes as many
    batches a step, whatever batch size and number of steps it was given.
    """
    _ = config.n_gpu  # counts them
    config._n_gpu = 1
    return config


def sft_config(**options: Any) -> Any:
    """TRL's SFTConfig; memory is traded for time on accelerators only."""
    quiet()
    from trl import SFTConfig

    accelerated = device() != "cpu"
    with warnings.catch_warnings():
        # The option has another name in the newest version, and the old one still works.
        warnings.simplefilter("ignore", FutureWarning)
        config = SFTConfig(gradient_checkpointing=accelerated, bf16=accelerated, **options)
    return on_one_device(config)


def dpo_config(**options: Any) -> Any:
    """TRL's DPOConfig; memory is traded for time on accelerators only."""
    quiet()
    from trl import DPOConfig

    accelerated = device() != "cpu"
    # The references come with the rows, in which nothing is too long.
    options |= {"precompute_ref_log_probs": True, "max_length": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        config = DPOConfig(gradient_checkpointing=accelerated, bf16=accelerated, **options)
    return on_one_device(config)


def dpo_trainer(rows: Sequence[Preference], **options: Any) -> Any:
    """TRL's DPOTrainer on pairs that are tokens already and know their reference.

    TRL would measure the reference itself, which needs a second model or, where training goes
    on from a checkpoint, takes the trained one for it.
    """
    quiet()
    from datasets import Dataset
    from trl import DPOTrainer

    class PairTrainer(DPOTrainer):  # type: ignore[misc]
        # Set before the first batch: TRL 0.24 measures references then, newer ones when made.
        _precomputed_train_ref_log_probs = property(lambda self: True, lambda self, value: None)

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def _precompute_ref_logps(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    columns = {
        # Each version takes the names it knows.
        **{
            f"{part}_{ids}": [getattr(row, part) for row in rows]
            for part in ("prompt", "chosen", "rejected")
            for ids in ("ids", "input_ids")
        },
        "ref_chosen_logps": [row.reference_chosen for row in rows],
        "ref_rejected_logps": [row.reference_rejected for row in rows],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trainer = PairTrainer(train_dataset=Dataset.from_dict(columns), **options)
    # Newer versions keep the adapter that they were given as a second one, to measure against.
    if "ref" in getattr(trainer.model, "peft_config", {}):
        trainer.model.delete_adapter("ref")
    return trainer


def reply_trainer(**options: Any) -> Any:
    """A transformers Trainer that computes logits only where some reply of the batch has a token.

    Most of a document is its prompt: leaving its logits out saves a third of the time.
    """
    quiet()
    import torch
    from transformers import Trainer

    class ReplyTrainer(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            following = inputs["labels"][:, 1:]  # [B, L - 1]
            places = (following != -100).any(0).nonzero()[:, 0]  # [K]
            logits = model(
                input_ids=inputs["input_ids"], use_cache=False, logits_to_keep=places
            ).logits  # [B, K, V]
            return torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), following[:, places].flatten(), ignore_index=-100
            )

    return ReplyTrainer(**options)


def fit(
    trainer: Any,
    directory: Path,
    name: str = "training",
    log: Callable[..., None] | None = None,
) -> None:
    """Run a transformers Trainer, going on from its last whole checkpoint in `directory`.

    A checkpoint that a killed process left half-written lacks its marker and is passed over, and so
    is one whose files were damaged since. Updates that are not finite are skipped. After Ctrl-C a
    checkpoint is saved first.

    Args:
        name: of the trainer, for messages.
        log: records figures, as `TrainingData.log` does.

    Raises:
        StageError: several updates in a row were not finite.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    quiet()
    master_weights.to_float32(trainer.model)  # TRL casts adapters of quantized models to bfloat16
    from transformers import PrinterCallback, TrainerCallback

    class Mark(TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            finish(checkpoint, {}, COMPLETE)

    class SaveAndStop(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if interruption.requested:
                control.should_save = control.should_training_stop = True

    trainer.remove_callback(PrinterCallback)
    for callback in (Mark(), SaveAndStop(), guard_callback(name, log)):
        trainer.add_callback(callback)
    saved = [
        int(path.parent.name.rpartition("-")[2])
        for path in directory.glob(f"checkpoint-*/{COMPLETE}")
        if whole(path.parent, COMPLETE)
    ]
    # From a checkpoint at the very end the Trainer would take one step too many.
    last = max((step for step in saved if step < trainer.args.max_steps), default=None)
    with warnings.catch_warnings(), deferred() as interruption:
        # Torch warns about pinned memory and scheduler order from inside the Trainer.
        warnings.simplefilter("ignore")
        trainer.train(
            resume_from_checkpoint=str(directory / f"checkpoint-{last}") if last else None
        )
    if interruption.requested:
        raise KeyboardInterrupt


def tell(progress: Progress) -> Any:
    """A Trainer callback that tells saysel's progress of every optimizer step."""
    from transformers import TrainerCallback

    class Tell(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.told = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # A resumed run starts beyond step 0.
            progress.advance(state.global_step - self.told)
            self.told = state.global_step

    return Tell()
