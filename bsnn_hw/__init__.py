"""Trained binary spiking neural networks to event-driven hardware, bit for bit.

::

    import bsnn_hw

    model = bsnn_hw.load("model.pt")
    network = bsnn_hw.lower(model)
    plan = bsnn_hw.plan(network, target="ecp5-25k")
    bsnn_hw.emit(network, plan, "model_hw")
    print(bsnn_hw.verify("model_hw"))

The functions are those of `bsnn_hw.pipeline`; what they need is imported when one is first used.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bsnn_hw.pipeline import emit as emit
    from bsnn_hw.pipeline import generate as generate
    from bsnn_hw.pipeline import layout as layout
    from bsnn_hw.pipeline import load as load
    from bsnn_hw.pipeline import lower as lower
    from bsnn_hw.pipeline import plan as plan
    from bsnn_hw.pipeline import verify as verify

__all__ = ["emit", "generate", "layout", "load", "lower", "plan", "verify"]

__version__ = "0.1.0"

# In a checkout hdl/, sim/ and templates/ stand beside this folder; in a wheel they are in it.
_here = Path(__file__).parent
if not (_here / "hdl").is_dir():
    __path__.append(str(_here.parent))

def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("generate", "layout", "verify"):  # modules, which can be called
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.pipeline"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
