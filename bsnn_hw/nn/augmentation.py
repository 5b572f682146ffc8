"""Random changes of training images that leave their class as it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["mirrored", "shifted"]


def mirrored(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the images, left to right.

    Parameters
    ----------
    images : (batch, [channels], height, width)
    generator : of the CPU, which says which ones
    """
    chosen = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    return torch.where(chosen.view(-1, *[1] * (images.ndim - 1)), images.flip(-1), images)


def shifted(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Move each image by -most..most pixels down and across; zeros come in.

    It is a random crop of the image with a border of `most` zeros.

    Parameters
    ----------
    images : (batch, [channels], height, width)
    most : int, pixels, 1 or more
    generator : of the CPU, which says how far
    """
    height, width = images.shape[-2:]
    starts = torch.randint(2 * most + 1, (2, len(images), 1), generator=generator)
    rows, columns = (start.to(images.device) + torch.arange(side, device=images.device)
                     for start, side in zip(starts, (height, width), strict=True))
    bordered = functional.pad(images.view(len(images), -1, height, width), (most,) * 4)
    which = torch.arange(len(images), device=images.device).view(-1, 1, 1)
    moved = bordered.movedim(1, -1)[which, rows.unsqueeze(2), columns.unsqueeze(1)]
    return moved.movedim(-1, 1).reshape(images.shape)
