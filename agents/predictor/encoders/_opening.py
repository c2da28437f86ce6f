"""How an encoder is opened: a built-in one by its name, any transformers model by its folder or hub id.

torch and transformers are imported when a BERT-family encoder is opened, not before.
"""

import inspect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.agents.models.item_space import TextEncoder
from driftline.agents.predictor.device import resolve
from driftline.agents.predictor.encoders._base import Encoder
from driftline.agents.predictor.encoders._weights import installed_folder
from driftline.sim.errors import hint
from driftline.sim.plug_ins import PlugIns, class_like

if TYPE_CHECKING:
    from driftline.agents.predictor.encoders._transformer import Precision

ENCODERS: PlugIns[Any] = PlugIns(
    "predictor",
    "driftline.agents.predictor.encoders",
    class_like(TextEncoder, "driftline.agents.models.item_space.TextEncoder"),
)
"""The built-in ones extend `Encoder`, so that their vectors can be cached; anybody's own needs `encode` only."""


def open_encoder(
    name: str | Path,
    device: str = "auto",
    *,
    seed: int = 0,
    corpus: Sequence[str] = (),
    precision: "Precision" = "bfloat16",
    threads: int = 1,
) -> Encoder:
    """Open an encoder.

    name: `minilm` (pretrained, optional extra), `scratch` (small seeded BERT, no download), `noise` (random vectors by
    content: the honesty control), `hashing` (bag of words), a local folder, or a hub id `owner/model` (looked up in the
    local hub cache only, when `HF_HUB_OFFLINE` is set).
    device: `auto`, `cpu`, `cuda`, `cuda:<n>`; for the BERT-family encoders.
    seed: for `scratch` and `noise`. corpus: texts whose words `scratch` knows as a whole.
    Transformers give unit vectors: mean of the last layer over the text's tokens (Reimers & Gurevych 2019).

    Raises `ValueError` for an unknown name, `FileNotFoundError` for a missing folder or hub model.
    """
    if name in ENCODERS.names():
        kind = ENCODERS.find(str(name))
        stated = {"device": device, "seed": seed, "corpus": corpus, "precision": precision, "threads": threads}
        takes = inspect.signature(kind).parameters
        opened: Encoder = kind(**{key: value for key, value in stated.items() if key in takes})
        return opened
    source = _source(str(name))
    from driftline.agents.predictor.encoders._transformer import TransformerEncoder, load

    where = resolve(device)
    model, tokenizer = load(source, offline=_offline() or Path(source).is_dir())
    return TransformerEncoder(model, tokenizer, device=where, precision=precision, threads=threads)


def refuse_missing(name: str | Path) -> None:
    """Whether an encoder can be had, without opening it: a name, a folder, or a hub that answers within seconds.

    Raises:
        InputError, OSError, ValueError: it cannot, and why.
    """
    if name == "minilm":
        installed_folder()
    elif name not in ENCODERS.names():
        source = _source(str(name))
        if not Path(source).is_dir() and not _offline():
            _ask_hub(source)


HUB_PATIENCE = 5.0
"""Seconds."""


def _ask_hub(source: str) -> None:
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        if isinstance(try_to_load_from_cache(source, "config.json"), str):
            return
        HfApi().model_info(source, timeout=HUB_PATIENCE)
    except (HfHubHTTPError, HFValidationError) as problem:
        raise FileNotFoundError(f"encoder {source!r} is not on the hub: {type(problem).__name__}") from problem
    except Exception as problem:  # whatever the network has to say, by any of its libraries
        raise FileNotFoundError(
            f"encoder {source!r}: the hub cannot be reached ({type(problem).__name__}), and it is not in the local hub "
            "cache; name a folder instead"
        ) from problem


def _source(name: str) -> str:
    """A local folder or a hub id; anything else is a named error."""
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise FileNotFoundError(f"{path} holds no config.json: not a transformers model folder")
        return str(path)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise FileNotFoundError(f"encoder folder {path} does not exist")
    if "/" not in name:
        known = ENCODERS.names()
        raise ValueError(
            f"encoder {name!r} is none of {', '.join(known)}, and no such folder exists; {hint(name, known)}"
        )
    return name


def _offline() -> bool:
    switches = (os.environ.get(key, "") for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(value.strip().lower() in {"1", "true", "yes", "on"} for value in switches)
