"""What keeps a layout's queues from overflowing and its layers from waiting for each other."""

from __future__ import annotations

from collections.abc import Iterator

from bsnn_hw.layout.blocks import (
    POOLING_DELAY,
    Carry,
    Feedback,
    Layer,
    Link,
    Output,
    Synapses,
)

__all__ = ["problems"]


def problems(blocks: tuple[Layer | Output, ...]) -> Iterator[str]:
    """What is wrong with these blocks, a layer each, the readout last; nothing if all is well.

    A queue whose producer may still send ``margin`` words once it is almost full must keep so many
    entries free.  A FIFO past layers must also hold a timestep, so that its producer can end its
    own whatever the consumer waits for; so must the queue of a layer's own spikes, as the layer
    takes none of them before its step has ended.
    """
    for number, block in enumerate(blocks):
        beside = block.shortcuts if isinstance(block, Layer) else ()
        for each in (block.synapses, *beside):
            name = f"layer '{block.name}'"
            match each:
                case Synapses(source=Feedback() as feedback):
                    yield from _own_spikes(name, number, block, feedback)
                case Synapses():
                    for link in each.links:
                        yield from _link(name, number, blocks, link)
                    yield from _order(name, each)
                case Carry():
                    yield from _producer(name, number, blocks, each.producer, each.margin)
                    yield from _holds_a_timestep(name, each)
        if isinstance(block, Layer) and block.join is not None:
            name, carry = f"layer '{block.name}'", block.join.carry
            yield from _producer(name, number, blocks, carry.producer, block.join.producer_margin)
            yield from _holds_a_timestep(name, carry)


def _link(name: str, number: int, blocks: tuple[Layer | Output, ...], link: Link) -> Iterator[str]:
    yield from _producer(name, number, blocks, link.producer,
                         link.margin - POOLING_DELAY * link.placed)
    if link.depth < max(3, link.kept_free + 1):
        yield (f"{name}: its queue must have {max(3, link.kept_free + 1)} entries or more, "
               f"{link.kept_free} of them for words that come late, not {link.depth}")


def _order(name: str, engine: Synapses) -> Iterator[str]:
    """An engine waits for the end of one layer's timestep before it takes another's: these must
    not wait for each other."""
    producers = [link.producer for link in engine.links]
    if sorted(set(producers)) != producers:
        yield (f"{name}: what is added must be taken in the order of the layers, each once, "
               f"not {producers}")


def _holds_a_timestep(name: str, carry: Carry) -> Iterator[str]:
    if carry.depth < max(3, carry.rows + carry.margin):
        yield (f"{name}: its FIFO must have {carry.rows + carry.margin} rows or more, a timestep "
               f"and {carry.margin} that come late, not {carry.depth}")


def _own_spikes(name: str, number: int, block: Layer | Output, link: Feedback) -> Iterator[str]:
    assert isinstance(block, Layer)
    if (link.producer, link.margin) != (number, block.margin + POOLING_DELAY * link.placed):
        yield (f"{name}: the queue of its own spikes must have its number and margin, {number} and "
               f"{block.margin}, not {link.producer} and {link.margin}")
    least = link.geometry.entries(link.words, 1, link.margin)
    if link.depth < max(3, least):
        yield (f"{name}: the queue of its own spikes must have {least} entries or more, a timestep "
               f"and {link.margin} that come late, not {link.depth}")


def _producer(name: str, number: int, blocks: tuple[Layer | Output, ...], producer: int,
              margin: int) -> Iterator[str]:
    sender = blocks[producer]
    if producer >= number or not isinstance(sender, Layer):
        yield f"{name}: what it takes must come from an earlier layer, not from '{sender.name}'"
    elif margin != sender.margin:
        yield (f"{name}: words that come late from '{sender.name}' must be {sender.margin}, "
               f"not {margin}")
