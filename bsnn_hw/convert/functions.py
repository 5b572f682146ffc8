"""All functions of torch that are followed; importing this registers them."""

from bsnn_hw.convert import (
    functions_channels,
    functions_layers,
    functions_sums,
    functions_time,
)
from bsnn_hw.convert.registry import FUNCTIONS

__all__ = ["FUNCTIONS", "HINTS", "TIME_LAST", "functions_channels", "functions_layers",
           "functions_sums", "functions_time"]

_BY_HAND = "of a neuron by hand make one of the framework's modules"
_OUTSIDE = "leave it to whoever reads the scores, whose order it keeps"
_STATISTICS = "use a BatchNorm, whose statistics stand still in inference"
# Those that may take values whose timesteps are the last axis.
TIME_LAST = {"flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze", "transpose",
             "permute", "movedim", "swapaxes", "swapdims", "moveaxis", "__getitem__", "select",
             "unbind", "sum", "mean", "amax", "max", "clone", "detach", "contiguous", "to", "float",
             "double", "cpu", "type_as", "_to_copy", "add", "__add__", "__radd__", "sub", "__sub__",
             "mul", "__mul__", "__rmul__", "div", "__truediv__", "__setitem__"}
# What to do in the place of a function that is not followed.
HINTS = (
    dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne", "where", "heaviside", "sign", "__gt__",
                   "__ge__", "__lt__", "__le__", "greater", "greater_equal"), _BY_HAND)
    | dict.fromkeys(("softmax", "log_softmax", "argmax", "sigmoid", "tanh", "topk", "sort"),
                    f"behind the last layer {_OUTSIDE}")
    | dict.fromkeys(("layer_norm", "group_norm", "instance_norm", "rms_norm"), _STATISTICS)
    | dict.fromkeys(("relu", "relu_", "leaky_relu", "gelu", "silu", "elu", "hardtanh", "clamp",
                     "clip", "clamp_", "abs"), "between weights and neuron there are norms and "
                    "factors only; leave it out and train again")
    | dict.fromkeys(("einsum", "tensordot", "bmm"), "write a product with weights as linear or @")
    | dict.fromkeys(("conv_transpose2d", "interpolate", "upsample", "pixel_shuffle"), "maps keep "
                    "their size or become smaller; a network that makes them larger is none of "
                    "classes")
    | {"constant_pad_nd": "give the convolution itself the padding"}
    | {"round": "a circuit has its own bits; quantise weights, and leave activations alone"})
