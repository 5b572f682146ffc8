"""Tiny networks are fastest on one thread, and workers share the cores."""

import torch

torch.set_num_threads(1)
