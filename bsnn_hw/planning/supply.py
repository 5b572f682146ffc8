"""The parts of what hands a layer its events: the input port, or what lies between two layers.

With a port of bytes what writes scores belongs to it too.
"""

from __future__ import annotations

from bsnn_hw.devices.parts import Access, Memory, Parts, bits_of, fifo_parts
from bsnn_hw.ir.byte_port import QUEUED_GROUPS, Port, byte_port
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.network import Coding, Hidden, Network, PoolKind, Readout, SynapseShortcut
from bsnn_hw.ir.schedule import Geometry, has_register, most_queued
from bsnn_hw.ir.words import WordGeometry

__all__ = ["queue_rows", "supply_parts"]

WIDE = 16  # as in hdl/link.py
CHUNK = 8  # as in hdl/priority.py
FRONTEND_ROWS = 16  # as in hdl/network.py


def supply_parts(network: Network, number: int, geometry: Geometry, margin: int,
                 reader: Hidden | Readout | SynapseShortcut | None = None,
                 port: Port | None = None) -> Parts:
    """What hands the engine its events, and the sequencer's registers of them.

    margin : of the giver, see ``output_margin``
    reader : the layer, or its shortcut whose synapses these are
    port : of the network's input, for the first layer
    """
    reader = reader or network.layers[number]
    first = number < reader.back
    value = network.input.max_value.bit_length() if number == 0 else 1
    lanes, row = geometry.lanes, max(1, bits_of(geometry.rows))
    rows = 1 if isinstance(geometry, WordGeometry) else lanes
    group = Parts(registers=rows * row + lanes * value, bare=rows * row, luts=lanes * value)
    if first:
        supply = _frontend(network, geometry, value, port)
    elif isinstance(geometry, ConvGeometry):
        supply = _map_link(network, reader, geometry, margin)
    elif isinstance(geometry, WordGeometry):
        supply = _word_link(network, reader, geometry, margin)
    else:
        supply = _spike_link(network, reader, geometry, margin)
    if isinstance(geometry, ConvGeometry):
        supply += _reach_lookup(geometry, value)
    return group + supply


def _frontend(network, geometry, value, port):
    lanes, row = geometry.lanes, max(1, bits_of(geometry.rows))
    place = sum(geometry.place_bits) if isinstance(geometry, ConvGeometry) else 0
    rows = 1 if isinstance(geometry, WordGeometry) else lanes
    width = rows * row + lanes * value + place + 2
    marks = 1 if network.input.coding is Coding.DIRECT else network.timesteps
    narrow = port is Port.BYTES
    return (fifo_parts(QUEUED_GROUPS if narrow else FRONTEND_ROWS, width, registered=False)
            + (_byte_ports(network, geometry, value) if narrow else Parts())
            + (Parts.delays(width + 1) if has_register(geometry) else Parts())
            + Parts.adders(row, rows)
            + Parts.logic(lanes * (value + 2) + place + 8 + 8 * (marks > 1), 2)
            + (Parts.adders(bits_of(marks)) if marks > 1 else Parts()))


def _byte_ports(network, geometry, value):
    """hdl/byte_port.py: values gathered, a beat of them, and where they belong; scores shifted."""
    lanes, port = geometry.lanes, byte_port(network)
    counters = [bits_of(lanes), max(1, bits_of(geometry.rows))]
    if isinstance(geometry, ConvGeometry):
        counters = [bits_of(lanes), max(1, geometry.row_bits), *geometry.place_bits]
    counted, out = sum(counters), 8 * (port.score + port.answer)
    kept = value * (2 * lanes - 1)
    return (Parts.adders(counted / len(counters), len(counters)) + Parts.logic(2 * counted, counted)
            + Parts.logic(value * lanes * 2 + 12, kept + counted + 6)
            + Parts.logic(out + 8, out + 4))


def queue_rows(network: Network, reader: Hidden | Readout | SynapseShortcut, geometry: Geometry,
               margin: int) -> int:
    """Words that the queue in front of ``reader``'s synapses holds, as hdl/network.py has it."""
    source, mapped = geometry.source, isinstance(geometry, ConvGeometry)
    pool = reader.pool
    gathers = (pool is not None and pool.kind is PoolKind.MAX
               and (pool.height, pool.width) != (1, 1))
    count = source.rows
    if pool and not gathers:
        count = 1 << max(1, bits_of(source.rows * pool.height * pool.width))
    elif (mapped or pool) and not gathers:
        count = 1 << max(1, bits_of(source.rows))
    entries = count * network.timesteps + margin
    if isinstance(geometry, WordGeometry):
        count, margin = -(-count // geometry.gathered), geometry.completed(margin)
        entries = max(count * network.timesteps, margin + 2)
    entries = min(entries, max(most_queued(source), margin + 2))
    return 1 << (entries - 1).bit_length()


def _spike_link(network, reader, geometry, margin):
    margin += 2 * bool(reader.pool)
    rows = queue_rows(network, reader, geometry, margin)
    number, row = max(1, bits_of(geometry.words)), max(1, bits_of(geometry.rows))
    parts = Parts.delays(1)
    least, fuller = divmod(geometry.source_width, geometry.banks)
    for slots, banks in ((least + 1, fuller), (least, geometry.banks - fuller)):
        width = slots + number + 1
        bank = fifo_parts(rows, width) + Parts.logic(slots / 3 + 2)
        bank += Parts(registers=2 * width, bare=2 * width, luts=width) if slots > WIDE else Parts()
        parts += banks * (bank + _encoder(slots, number) + Parts.delays(row + 3))
    lanes = geometry.lanes
    if geometry.shared:
        parts += _collector(lanes, row)
    else:
        parts += Parts.logic(5 * lanes + 3, lanes)
    return parts + (_pool(geometry.source, reader.pool) if reader.pool else Parts())


def _word_link(network, reader, geometry, margin):
    margin += 2 * bool(reader.pool)
    rows, width, row = (queue_rows(network, reader, geometry, margin), geometry.source_width,
                        max(1, bits_of(geometry.source.rows)))
    parts = Parts.delays(1) + (_pool(geometry.source, reader.pool) if reader.pool else Parts())
    if geometry.gathered > 1:
        row, count = max(1, bits_of(geometry.rows)), geometry.gathered
        parts += Parts.adders(row) + Parts.logic(
            1.7 * width * count + 8 + 2 * row, width * (count - 1) + row + bits_of(count))
        width = geometry.lanes
    parts += fifo_parts(rows, width + row + 1 + (geometry.parts == 1)) + Parts.logic(width / 3 + 2)
    if geometry.parts > 1:
        count, lanes = geometry.parts, geometry.lanes
        parts += (_encoder(count, row) + Parts.delays(width + row)
                  + Parts.logic(width / 3 + lanes * (count - 1) * 0.6, lanes + row + 2))
    return parts


def _encoder(slots, number):
    """hdl/encoder.py and hdl/priority.py: one lane's word in work."""
    chunks = -(-slots // CHUNK)
    return (Parts.logic(2.5 * slots + 3 * chunks + 6, slots + 2) + Parts.delays(number + 1)
            + (Parts.adders(min(slots, CHUNK), chunks) if slots > 1 else Parts()))


def _collector(lanes, row):
    """hdl/collector.py, ``row`` bits of an event kept per lane."""
    return Parts.logic(5 * lanes + 8, lanes + 1 + bits_of(lanes)) + Parts.delays(lanes * row)


def _placed_bits(raster):
    """A placed word's row, place and fold."""
    shape = raster.shape
    return sum(max(1, bits_of(count)) for count in
               (raster.rows, shape.height, shape.width, raster.folds))


def _pool(pooled, pool):
    places = _placed_bits(pooled)
    counted = Parts.adders(places / 3, 4) + Parts.logic(2 * places, places)
    delays = Parts.delays(2 * (pooled.width + places + 2))
    if pool is None or pool.kind is not PoolKind.MAX or (pool.height, pool.width) == (1, 1):
        return counted + delays
    line = Memory(pooled.shape.width * pooled.folds, pooled.width, Access.STATE)
    return counted + delays + Parts.logic(2 * pooled.width) + Parts(memories=(line,))


def _map_link(network, reader, geometry, margin):
    source, lanes, banks = geometry.source, geometry.lanes, geometry.banks
    rows = queue_rows(network, reader, geometry, margin + 2)
    # The encoder does not use a placed word's row: it lies in the memory, but in no register.
    unused = max(1, bits_of(source.rows))
    places = _placed_bits(source) - unused
    width = source.width + places + 1
    slots = [len(range(bank, source.width, banks)) for bank in range(banks)]
    parts = _pool(source, reader.pool) + fifo_parts(rows, width + unused)
    parts += Parts.delays(-unused) + Parts.logic(source.width / 3 + 2)
    parts += Parts(registers=2 * width, bare=2 * width, luts=width)
    for each in slots:
        parts += _encoder(each, 0)
    row = max(1, geometry.row_bits)
    parts += Parts.delays(2 * places + 1 + banks * row + 2) + Parts.logic(banks + 4, banks)
    return parts + (_collector(lanes, row + places / lanes) if geometry.shared else Parts())


def _reach_lookup(geometry, value):
    row, tap = bits_of(geometry.raster.rows), bits_of(geometry.taps)
    lanes, channel = geometry.lanes, max(1, geometry.row_bits)
    reach = row + tap + 4
    height, width = geometry.source.shape.height, geometry.source.shape.width
    tables = tuple(Memory(side, reach, Access.TABLE, enabled=True) for side in (height, width))
    return (Parts.delays(2 * lanes * (channel + value) + sum(geometry.place_bits) + 8)
            + Parts.adders(row) + Parts.adders(tap) + Parts.logic(10, row + tap)
            + Parts(memories=tables))
