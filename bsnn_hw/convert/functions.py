"""All functions of torch that are followed; importing this registers them."""

from bsnn_hw.convert import functions_layers, functions_sums, functions_time
from bsnn_hw.convert.registry import FUNCTIONS

__all__ = ["FUNCTIONS", "functions_layers", "functions_sums", "functions_time"]
