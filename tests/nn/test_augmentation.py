"""Random changes of images: whole, within their range, and equal for equal generators."""

import torch

from bsnn_hw.nn.augmentation import mirrored, shifted


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_mirroring_flips_whole_rows():
    images = torch.arange(128, dtype=torch.uint8).view(2, 8, 8)
    firsts = {mirrored(images, seeded(seed))[0, 0, 0].item() for seed in range(8)}
    assert firsts == {0, 7}


def test_a_shifted_image_is_the_image_with_zeros_at_two_sides():
    image = torch.arange(1, 21, dtype=torch.uint8).view(1, 4, 5)
    seen = set()
    for seed in range(60):
        (found,) = shifted(image, 1, seeded(seed))
        matches = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)
                   if torch.equal(found, moved(image[0], down, across))]
        assert len(matches) == 1, seed
        seen.update(matches)
    assert len(seen) == 9


def moved(image, down, across):
    result = torch.zeros_like(image)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            to = (row + down, column + across)
            if 0 <= to[0] < image.shape[0] and 0 <= to[1] < image.shape[1]:
                result[to] = image[row, column]
    return result


def test_every_image_moves_by_itself_and_its_channels_together():
    images = torch.rand(16, 1, 6, 6).expand(16, 3, 6, 6)
    found = shifted(images, 2, seeded(0))
    assert found.shape == images.shape
    assert torch.equal(found[:, 0], found[:, 2])
    assert len({tuple(image[0].nonzero()[0].tolist()) for image in found}) > 3


def test_equal_generators_give_equal_images():
    images = torch.rand(8, 5, 5)
    assert torch.equal(shifted(images, 2, seeded(3)), shifted(images, 2, seeded(3)))
    assert torch.equal(mirrored(images, seeded(3)), mirrored(images, seeded(3)))
