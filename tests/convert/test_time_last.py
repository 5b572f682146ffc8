"""Timesteps behind all else, (samples, ..., timesteps), as inputs and as scores."""

import torch
from torch import nn

from tests.convert.converting import EVENTS, convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire
from tests.for_each import for_each

SHAPES = {"flat": (6,), "map": (2, 4, 4)}


class Frames(nn.Module):
    """Takes the input apart and puts the currents together as it is told."""

    def __init__(self, shape, frames, joined):
        super().__init__()
        torch.manual_seed(0)
        self.body = (BinaryLinear(6, 5) if len(shape) == 1 else
                     nn.Sequential(BinaryConv2d(2, 3, 3), nn.Flatten(), BinaryLinear(12, 5)))
        if len(shape) > 1:
            self.body.insert(1, Fire())
        self.fire, self.out = Fire(), BinaryLinear(5, 3)
        self._frames, self._joined = frames, joined

    def forward(self, x):
        return self._joined([self.out(self.fire(self.body(x))) for x in self._frames(x)])


def flattened(x):
    """Its places in one axis, and out of it again."""
    shape = x.shape
    return x.reshape(len(x), -1, shape[-1]).view(shape)


FRAMES = {
    "dots": lambda x: [x[..., t] for t in range(x.shape[-1])],
    "colons": lambda x: [x[(slice(None),) * (x.ndim - 1) + (t,)] for t in range(x.shape[-1])],
    "select": lambda x: [x.select(-1, t) for t in range(x.shape[-1])],
    "unbind": lambda x: x.unbind(-1),
    "first": lambda x: x.movedim(-1, 0),
    "permuted": lambda x: x.permute(-1, *range(x.ndim - 1)),
    "second": lambda x: x.movedim(-1, 1).transpose(0, 1),
    "there and back": lambda x: x.movedim(-1, 1).movedim(1, -1).unbind(dim=-1),
    "flattened": lambda x: flattened(x).float().unbind(-1),
    "scaled": lambda x: ((2 * x + 1) / 2).unbind(-1),
}


@for_each("frames", sorted(FRAMES))
def test_frames_of_inputs(frames):
    for shape in SHAPES.values():
        document = convert(Frames(shape, FRAMES[frames], torch.stack), shape,
                           sequence="time_last", **EVENTS)
        assert document["input"]["shape"] == list(shape)


def written(record):
    """Into a tensor that was made for all of them."""
    whole = record[0].new_zeros(*record[0].shape, len(record))
    for t, current in enumerate(record):
        whole[..., t] = current
    return whole


JOINED = {
    "stacked": lambda record: torch.stack(record, dim=-1),
    "by number": lambda record: torch.stack(record, dim=2),
    "concatenated": lambda record: torch.cat([each.unsqueeze(-1) for each in record], dim=-1),
    "written": written,
    "moved": lambda record: torch.stack(record).movedim(0, -1),
    "scaled": lambda record: torch.stack(record, -1) * 2 / 2,
}


@for_each("joined", sorted(JOINED))
def test_scores_of_all_timesteps(joined):
    options = {**EVENTS, "sequence": "time_last"}
    join = JOINED[joined]
    convert(Frames((6,), FRAMES["dots"], join), **options)
    for reduce, score in ((lambda x: x.mean(-1), "mean"), (lambda x: x.sum(dim=2), "sum"),
                          (lambda x: x.max(-1).values, "max"), (lambda x: x[..., -1], "last")):
        document = convert(Frames((6,), FRAMES["dots"], lambda record, by=reduce: by(join(record))),
                           readout=None, **options)
        assert document["layers"][-1]["neuron"].get("score", "mean") == score


def test_what_takes_no_time_as_last_axis():
    """As many values as timesteps, so that torch itself would run."""
    options = {**EVENTS, "sequence": "time_last", "timesteps": 6}
    refused("calls torch's linear on values with the timesteps as last axis; take single "
            "timesteps", Frames((6,), lambda x: [x], torch.stack), **options)
    refused("has a constant that is no number, for values with the timesteps as last axis",
            Frames((6,), lambda x: (x * torch.arange(1, 7)).unbind(-1), torch.stack), **options)
    refused(r"takes an axis other than the time apart", Frames((6,), list, torch.stack), **options)
    refused(r'timesteps last with sequence="time_last"',
            Frames((6,), FRAMES["dots"], torch.stack), **options | {"sequence": True})
