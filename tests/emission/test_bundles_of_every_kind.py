"""A bundle of every kind of random network is opened as it was written."""

from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.layout.document import layout_document
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from evidence.random_counts import random_counts
from evidence.random_floors import random_floors
from evidence.random_gates import random_gated_document
from evidence.random_models import random_inputs
from evidence.random_normalised import random_normalised
from evidence.random_places import placed_schedule
from evidence.random_pools import random_pools
from evidence.random_recurrences import random_recurrences
from evidence.random_refractory import random_refractory
from evidence.random_second_order import random_second_order
from evidence.random_sew import random_sew
from tests.for_each import for_each, quick


@quick(0, wide=3)
@for_each("kind, seed", [
    (random_counts, 0), (random_gated_document, 1), (random_normalised, 1), (random_normalised, 4),
    (random_pools, 5), (random_recurrences, 2), (random_second_order, 3),
    (random_refractory, 0), (random_refractory, 4), (random_floors, 0), (random_floors, 5),
    (random_second_order, 7), (random_sew, 4), (random_sew, 8)])
def test_it_opens(kind, seed, tmp_path):
    document = kind(seed)
    request = PrecisionRequest(fraction_bits=2, leak_bits=3)
    network = lower(describe(document), None, request).network
    design = write_bundle(network, placed_schedule(seed, network),
                          random_inputs(seed, document, 2), tmp_path / "out")
    opened = open_bundle(tmp_path / "out")
    assert layout_document(opened.layout) == layout_document(design.layout)
    assert [path.name for path in opened.verilog.paths] == [
        path.name for path in design.verilog.paths]
