"""Training wing: binary spiking networks in torch, and the data they learn from.

Names load when they are first used, so that ``bsnn_hw.nn.data`` needs numpy only.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = [
    "IF",
    "LIF",
    "AGMMGate",
    "BatchNorm",
    "BinaryConv2d",
    "BinaryLinear",
    "ConstantGate",
    "CurrentShortcut",
    "FewBitConv2d",
    "FewBitLinear",
    "FlipMonitor",
    "Int8Conv2d",
    "Int8Linear",
    "Layer",
    "Network",
    "Pool",
    "Readout",
    "Recurrence",
    "Scale",
    "SharedScaleNorm",
    "SpikeShortcut",
    "SynapseShortcut",
    "anneal",
    "binarize",
    "calibrate",
    "convolutional",
    "document",
    "fully_connected",
    "narrow_resnet",
    "narrow_vgg11",
    "recurrent",
    "residual",
    "resnet19",
    "save_model",
    "vgg",
    "vgg11",
]

_HOMES = {
    "synapse": ("BinaryConv2d", "BinaryLinear", "FewBitConv2d", "FewBitLinear", "Int8Conv2d",
                "Int8Linear"),
    "norm": ("BatchNorm", "Scale", "SharedScaleNorm"),
    "gate": ("AGMMGate", "ConstantGate"),
    "neuron": ("IF", "LIF"),
    "pooling": ("Pool",),
    "layer": ("CurrentShortcut", "Layer", "Readout", "Recurrence", "SpikeShortcut",
              "SynapseShortcut"),
    "network": ("Network",),
    "architectures": ("convolutional", "fully_connected", "recurrent", "residual"),
    "zoo": ("calibrate", "narrow_resnet", "narrow_vgg11", "resnet19", "vgg", "vgg11"),
    "flips": ("FlipMonitor",),
    "estimators": ("anneal",),
    "binarizing": ("binarize",),
    "export": ("document", "save_model"),
}


def __getattr__(name: str) -> Any:
    """Import the module that holds `name`, on first use."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"bsnn_hw.nn.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
