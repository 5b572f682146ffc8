"""Which of what a forward gives has the scores: by its place, or by its name."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tests.convert.converting import convert, refused
from tests.convert.signs import BinaryLinear
from tests.convert.toy import Fire
from tests.for_each import for_each

Named = namedtuple("Named", ["spikes", "scores"])


@dataclass
class Fields:
    spikes: Any
    scores: Any


class Given(nn.Module):
    """Gives the spikes of a layer, and the currents of the next, over time or of one timestep."""

    def __init__(self, given, loops):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.fire, self.out = BinaryLinear(6, 5), Fire(), BinaryLinear(5, 3)
        self._given, self._loops = given, loops

    def forward(self, x):
        spikes = [self.fire(self.a(x)) for _ in range(3 if self._loops else 1)]
        currents = [self.out(each) for each in spikes]
        if self._loops:
            return self._given(torch.stack(spikes), torch.stack(currents).mean(0))
        return self._given(spikes[0], currents[0])


KINDS = {"dictionary": lambda a, b: {"spikes": a, "scores": b},
         "ordered dictionary": lambda a, b: OrderedDict(spikes=a, scores=b),
         "dataclass": Fields, "named tuple": Named}


@for_each("kind", sorted(KINDS))
def test_scores_by_name(kind):
    for loops in (True, False):
        module, readout = Given(KINDS[kind], loops), None if loops else "mean"
        for output in ("scores", 1):
            convert(module, output=output, readout=readout)
        refused(r"`output`: must be said, one of \['spikes', 'scores'\]", module, readout=readout)
        refused("`output`: must be one of .*, which depend on the input, not 'score'", module,
                output="score", readout=readout)
    alone = Given(lambda a, b: {"name": "net", "scores": b}, loops=True)
    convert(alone, readout=None)
