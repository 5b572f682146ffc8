"""EventCollector against its contract: events in turn, and every lane a mark per timestep."""

import numpy as np
import pytest

from bsnn_hw.hdl.collector import EventCollector
from tests.hdl.benches import Bench, send, stalls


def random_steps(rng, count):
    """Addresses of every timestep's events."""
    return [rng.integers(256, size=rng.integers(0, 9)).tolist() for _ in range(count)]


def stream_of(steps, rng):
    """Marks come with the last event, or alone."""
    for step in steps:
        joined = bool(step) and rng.random() < .5
        for number, address in enumerate(step):
            yield {"address": address, "value": 1, "event": 1,
                   "mark": joined and number == len(step) - 1}
        if not joined:
            yield {"address": 9, "value": 1, "event": 0, "mark": 1}


def expected_lanes(steps, lanes):
    """Per lane and timestep the addresses; the turn goes on from timestep to timestep."""
    result, turn = [[[] for _ in steps] for _ in range(lanes)], 0
    for number, step in enumerate(steps):
        for address in step:
            result[turn % lanes][number].append(address)
            turn += 1
    return result


@pytest.mark.parametrize("lanes", [2, 3, 5])
@pytest.mark.parametrize(("pause", "full"), [(0, 0), (.4, 0), (0, .7), (.3, .4)])
def test_events_in_turn_and_every_lane_its_marks(lanes, pause, full):
    rng = np.random.default_rng(lanes)
    steps = random_steps(rng, 25)
    dut = EventCollector(lanes=lanes, address_width=8)
    taken = [[[]] for _ in range(lanes)]

    async def source(context):
        await send(context, dut.events, stream_of(steps, rng), stalls(1, pause))

    def sink(lane):
        async def process(context):
            head, waiting = dut.heads[lane], None
            pauses = stalls(lane + 2, full * (lane + 1) / lanes)
            while len(taken[lane]) <= len(steps):
                ready = not next(pauses)
                context.set(head.ready, ready)
                *_, valid, payload = await context.tick().sample(head.valid, head.payload)
                # Only the mark may join an event that waits.
                assert waiting is None or (valid and payload.event and
                                           payload.address == waiting)
                waiting = payload.address if valid and payload.event and not ready else None
                if valid and ready:
                    assert payload.value == 1
                    if payload.event:
                        taken[lane][-1].append(payload.address)
                    if payload.mark:
                        taken[lane].append([])
        return process

    Bench(dut).run(*map(sink, range(lanes)), background=[source])
    for lane, right in enumerate(expected_lanes(steps, lanes)):
        assert taken[lane][:-1] == right, f"lane {lane}"


@pytest.mark.parametrize(("mark", "cycles"), [(0, 20), (1, 39)], ids=["events", "timesteps"])
def test_cycles(mark, cycles):
    """One event a cycle, and one cycle more where a timestep ends."""
    dut = EventCollector(lanes=2, address_width=8)
    bench = Bench(dut)

    async def source(context):
        for head in dut.heads:
            context.set(head.ready, 1)
        events = [{"address": i, "event": 1, "mark": mark} for i in range(20)]
        await send(context, dut.events, events, stalls(0, 0))
        assert bench.cycle == cycles

    bench.run(source)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"lanes": 1, "address_width": 4}, "lanes must be an integer of 2 or more, not 1"),
    ({"lanes": 2, "address_width": 0}, "address_width must be an integer of 1 or more, not 0"),
])
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        EventCollector(**arguments)
