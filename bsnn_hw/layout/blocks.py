"""The blocks of a circuit, with every number resolved: what hdl/ builds, and what reports read.

A block is asked for what it takes: ``parts()`` counts what the component of hdl/ that is built from
it is made of.  Weights and constants are the network's; a block has their sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bsnn_hw.devices.parts import Parts
from bsnn_hw.ir.schedule import Store
from bsnn_hw.layout.gate import Gate
from bsnn_hw.layout.neurons import CurrentPool, Gain, Neurons, neurons_block
from bsnn_hw.layout.output import Output, Scorer, output_block
from bsnn_hw.layout.pooling import POOLING_DELAY, gathers
from bsnn_hw.layout.spike_join import JoinedRows, joined_rows
from bsnn_hw.layout.state import StateRows
from bsnn_hw.layout.supply import (
    Carry,
    Entry,
    Feedback,
    Link,
    carry_block,
    feedback_block,
    link_block,
)
from bsnn_hw.layout.synapses import Synapses, accumulator_parts, synapses_block

__all__ = ["POOLING_DELAY", "Carry", "CurrentPool", "Entry", "Feedback", "Gain", "Gate",
           "JoinedRows", "Layer", "Link", "Neurons", "Output", "Scorer", "StateRows", "Synapses",
           "accumulator_parts", "carry_block", "feedback_block", "gathers", "joined_rows",
           "layer_block", "layer_margin", "link_block", "neurons_block", "output_block",
           "synapses_block"]


@dataclass(frozen=True)
class Layer:
    """A spiking layer.

    direct : bool, its events are a sample's, whose sums serve every timestep
    shortcuts : Synapses or Carry of each
    gate : of the sample, None where there is none
    delay : int, cycles from a sequencer to its accumulator, the same in all engines
    margin : int, words that may still come from it once its consumer's queue is almost full
    join : of the spikes that leave it, None where there is none
    """

    name: str
    direct: bool
    synapses: Synapses
    shortcuts: tuple[Synapses | Carry, ...]
    neurons: Neurons
    delay: int
    margin: int
    gate: Gate | None = None
    join: JoinedRows | None = None

    @property
    def in_blocks(self) -> frozenset[Store]:
        """Which of its memories lie in block RAM."""
        synaptic, held = self.neurons.synaptic, self.neurons.held
        state = ((Store.SUMS, self.synapses.sums), (Store.POTENTIALS, self.neurons.potentials),
                 (Store.SYNAPTIC, synaptic.store if synaptic else None),
                 (Store.HELD, held.store if held else None))
        return frozenset(store for store, memory in (*state, *self.neurons.tables)
                         if memory is not None and memory.block)

    def parts(self) -> Parts:
        """Everything of the layer, and what stands before it."""
        further = [each for each in (self.gate, self.join) if each]
        return sum((each.parts() for each in (*self.shortcuts, *further)),
                   self.synapses.parts() + self.neurons.parts())


def layer_block(name: str, direct: bool, synapses: Synapses,
                shortcuts: tuple[Synapses | Carry, ...], neurons: Neurons,
                gate: Gate | None = None, join: JoinedRows | None = None) -> Layer:
    """A spiking layer whose engines, and gate, work in step: the faster ones wait."""
    engines = [each for each in (synapses, *shortcuts) if isinstance(each, Synapses)]
    delay = max(*(each.delay for each in engines), gate.delay if gate else 0)
    return Layer(name, direct, replace(synapses, wait=delay - synapses.delay),
                 tuple(replace(each, wait=delay - each.delay) if isinstance(each, Synapses)
                       else each for each in shortcuts), neurons, delay,
                 layer_margin(neurons.held.store.ahead if neurons.held else delay,
                              neurons.delay),
                 replace(gate, wait=delay - gate.delay) if gate else None, join)


def layer_margin(delay: int, neuron_delay: int) -> int:
    """Words in the stages of synapses and neurons, and one as `room` is a register.

    delay : int, cycles from where a step may be held up to its operation
    """
    return delay + neuron_delay + 1
