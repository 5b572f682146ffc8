"""Every number of the circuit, resolved once; `bsnn_hw.layout` is the stage of this name too."""

from bsnn_hw.callables import callable_as

callable_as(__name__, "layout")
