"""What a port of event slots says of input that is odd."""

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.ports.events import EventPort
from bsnn_hw.ports.slots import Slots

TIMESTEPS = "packet with too many timesteps"


def test_odd_input_of_timesteps_and_of_the_first_engine():
    port, events, words = EventPort(), DenseEvents.flat(4, 4, 1, 1, 1), DenseWords.flat(4, 4, 1,
                                                                                       2, 1)
    steps, sample = (Slots(1, 8, 1, ends, 1, 1) for ends in (True, False))
    assert TIMESTEPS in port.odd_input(events, steps)
    assert TIMESTEPS not in port.odd_input(events, sample)
    assert words.odd_input and port.odd_input(words, steps).items() >= words.odd_input.items()
