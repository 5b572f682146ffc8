"""An engine: sequencer, synapses and accumulators."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Parts, bits_of
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Synapse
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.state import CONTROL, StateRows, operation_bits
from bsnn_hw.layout.supply import Entry, Link

__all__ = ["Synapses", "accumulator_parts", "synapses_block"]


@dataclass(frozen=True)
class Synapses:
    """An engine: sequencer, synapses, accumulators, and what brings their events.

    source : Entry at the network's input, else Link
    summands : Link of each further layer whose spikes are added to those of ``source``
    weight_bits : int; max_value : int, largest value of an event
    timesteps : int
    disconnected : int, channels whose sums stay 0
    delay : int, cycles from an operation to its accumulator if it does not wait
    wait : int, cycles that it waits for a slower engine of the same layer
    sums : StateRows of the accumulators
    sum_width : int, bits of a sum
    """

    source: Entry | Link
    geometry: Geometry
    weight_bits: int
    max_value: int
    timesteps: int
    disconnected: int
    delay: int
    wait: int
    sums: StateRows
    sum_width: int
    summands: tuple[Link, ...] = ()

    @property
    def pipelined(self) -> bool:
        """Whether weights, and sums in block RAM, come through registers of their own."""
        return self.sums.pipelined

    @property
    def links(self) -> tuple[Link, ...]:
        """Everything that brings it spikes, in the order in which it takes a timestep's."""
        return (*self.summands, self.source) if isinstance(self.source, Link) else ()

    def parts(self) -> Parts:
        """Everything that depends on lanes."""
        return self.source_parts() + self.engine_parts() + self.weight_parts()

    def source_parts(self) -> Parts:
        """What hands it its events, and the sequencer's registers of them."""
        geometry = self.geometry
        value = geometry.lane_bits(self.max_value.bit_length())
        lanes, rows = geometry.lanes, geometry.row_count * max(1, bits_of(geometry.rows))
        merge = Parts.logic(len(self.summands) * (rows + lanes * value + geometry.entry_bits) / 2,
                            len(self.summands))
        return sum((each.parts() for each in self.summands),
                   Parts(registers=rows + lanes * value, bare=rows, luts=lanes * value)
                   + self.source.parts() + merge)

    def engine_parts(self) -> Parts:
        """Sequencer, synapses and accumulators; only what does not depend on the producer."""
        geometry, time = self.geometry, bits_of(self.timesteps)
        return (Parts.logic(12 + 3 * time, CONTROL + 2 * time + 1) + geometry.walk_parts()
                + Parts.delays((self.delay + self.wait)
                               * operation_bits(geometry.raster, self.timesteps))
                + geometry.places * (geometry.synapse_parts(self.weight_bits, self.max_value)
                                     + self._accumulator_parts() + self._register_parts())
                + self._place_parts())

    def weight_parts(self) -> Parts:
        """The weight memory."""
        return self.geometry.places * self.geometry.weight_parts(self.weight_bits)

    def _register_parts(self) -> Parts:
        """What stands behind the weights' own registers, in a pipelined engine."""
        return Parts.delays(self.pipelined * self.geometry.register_bits(
            self.weight_bits, self.max_value.bit_length()))

    def _place_parts(self) -> Parts:
        """hdl/place_array.py: an operation of each place's own, and a step's sums of one place."""
        geometry = self.geometry
        if geometry.places == 1:
            return Parts()
        own = bits_of(geometry.sums_raster.rows) + CONTROL
        return (Parts.delays(geometry.places * (self.delay + self.wait) * own)
                + Parts.logic(geometry.raster.width * self.sum_width * (geometry.places - 1) / 3))

    def _accumulator_parts(self) -> Parts:
        raster = self.geometry.sums_raster
        return (accumulator_parts(raster, self.sums, self.geometry.event_folds)
                + Parts.logic(self.disconnected and raster.width * self.sum_width / 2))


def accumulator_parts(raster: Raster, sums: StateRows, event_folds: int | None = None) -> Parts:
    """hdl/accumulator.py, all channels being connected.

    event_folds : int, that an event reaches; all where not given
    """
    row, number = sums.width, bits_of(sums.rows)
    parts = (Parts.adders(row / raster.width + 1, raster.width) + Parts.logic(4)
             + Parts(memories=sums.memories()))
    # A sum is cleared by the register that it is written from, or else in front of the memory.
    parts += Parts(cleared=row) if sums.block and sums.pipelined else Parts.logic(row)
    if sums.block:
        hits = max(0, (5 if sums.pipelined else 3) - (event_folds or raster.folds))
        late = Parts.delays(sums.pipelined * (2 * row + 2 * number))
        return (parts + Parts.delays(2 * row + 3 * number + hits * row) + Parts.logic(hits * row)
                + late)
    if sums.rows > 1:
        return parts + Parts(registers=row + number, bare=number)
    return parts + Parts(registers=2 * row, bare=row)


def synapses_block(source: Entry | Link, synapse: Synapse, geometry: Geometry, *, sum_width: int,
                   max_value: int, timesteps: int, block: bool, pipelined: bool = False,
                   summands: tuple[Link, ...] = ()) -> Synapses:
    """An engine, its sums in block RAM or not; it does not wait for another one yet."""
    raster = geometry.sums_raster
    return Synapses(
        source=source, geometry=geometry, weight_bits=synapse.weight_bits, max_value=max_value,
        timesteps=timesteps, disconnected=int((~synapse.connected).sum()),
        delay=geometry.delay(synapse.weight_bits) + pipelined, wait=0,
        sums=StateRows(raster.rows, raster.width * sum_width, block, pipelined),
        sum_width=sum_width, summands=summands)
