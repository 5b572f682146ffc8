"""Small tables by which the stages' results show themselves in a notebook.

`bsnn_hw.pipeline` imports this module; a result then has ``_repr_html_``, which a notebook asks for
what stands last in a cell. Names are text in it, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from bsnn_hw.emission.design import Design
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.wording import feature_map, parallel_count, synapse_kind
from bsnn_hw.layout.build import Layout
from bsnn_hw.lowering.lower import Lowered
from bsnn_hw.model.description import Model
from bsnn_hw.planning.plan import Plan
from bsnn_hw.text import percent
from bsnn_hw.verification.native import Outcome

__all__ = ["TABLES", "html_table"]

MOST_CHARACTERS = 60  # of a name
MOST_ROWS = 24


def html_table(caption: str, rows: Sequence[Sequence[object]]) -> str:
    """Rows of cells as HTML, the first row the heading; no more than `MOST_ROWS` below it."""
    head, *body = ([_cell(cell) for cell in row] for row in rows)
    left = len(body) - MOST_ROWS
    lines = [f"<caption>{_cell(caption, 4 * MOST_CHARACTERS)}</caption>", _row(head, "th")]
    lines += [_row(row, "td") for row in body[:MOST_ROWS]]
    if left > 0:
        lines.append(_row([f"and {left} more", *[""] * (len(head) - 1)], "td"))
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _row(cells: Sequence[str], kind: str) -> str:
    return "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in cells) + "</tr>"


def _cell(value: object, most: int = MOST_CHARACTERS) -> str:
    text = str(value)
    short = text if len(text) <= most else f"{text[:most - 1]}…"
    # What no screen shows, line breaks and null among it, would move or end the text.
    plain = "".join(sign if sign.isprintable() else "�" for sign in short)
    return f"<bdi>{escape(plain)}</bdi>"


def _model(model: Model) -> str:
    rows: list[list[object]] = [["layer", "synapses", "neurons"]]
    rows += [[layer.name, type(layer.synapse).__name__.lower(), feature_map(layer.shape)]
             for layer in model.layers]
    return html_table(f"{model.name}: real-valued, {model.timesteps} timestep(s)", rows)


def _network(network: Network) -> str:
    return html_table(_caption(network), [_LAYER, *_layers(network)])


_LAYER: list[object] = ["layer", "synapses", "inputs", "neurons", "weights", "bits"]


def _layers(network: Network) -> Iterator[list[object]]:
    for number, layer in enumerate(network.layers):
        producer = number - layer.back
        source = network.hidden[producer].shape if producer >= 0 else network.input.features
        yield [layer.name, synapse_kind(layer.synapse, layer.pool), feature_map(source),
               feature_map(layer.synapse.shape), f"{layer.synapse.weights.size:,}",
               layer.synapse.weight_bits]


def _caption(network: Network) -> str:
    return (f"{network.name}: integers, {network.timesteps} timestep(s), "
            f"{network.input.coding.value} coding of {network.input.bits} bit")


def _lowered(lowered: Lowered) -> str:
    rows: list[list[object]] = [[*_LAYER, "fraction bits", "leak bits", "spikes changed"]]
    for row, precision in zip(_layers(lowered.network), lowered.precision, strict=True):
        leak = "-" if precision.leak_bits is None else precision.leak_bits
        rows.append([*row, precision.fraction_bits, leak, percent(precision.mismatch)])
    return html_table(_caption(lowered.network), rows)


def _plan(plan: Plan) -> str:
    cycles = plan.forecast.layer_cycles if plan.forecast else ()
    rows: list[list[object]] = [["layer", "takes", "lanes", "parallel", "cycles"]]
    for number, layer in enumerate(plan.schedule.layers):
        rows.append([number, layer.engine.value, layer.lanes,
                     parallel_count(layer.parallel, layer.units),
                     f"{cycles[number]:,.1f}" if cycles else "-"])
    if plan.chip is None or plan.forecast is None or plan.clock is None:
        return html_table("a plan for no part", rows)
    used = ", ".join(f"{round(needed):,} of {there:,} {words}" for words, needed, there, _ in
                     plan.chip.resources(plan.forecast.cost) if there)
    speed = plan.forecast.speed(plan.clock)
    return html_table(f"{plan.chip.name} at {plan.clock:g} MHz: {speed:,.0f} inferences/s, "
                      f"{plan.forecast.cycles:,.1f} cycles each; {used}", rows)


def _layout(layout: Layout) -> str:
    rows: list[list[object]] = [["layer", "takes", "lanes", "parallel", "folds", "sum bits",
                                 "state bits"]]
    hidden = [bounds.charged.width for bounds in layout.hidden_bounds]
    sums = [*(bounds.acc.width for bounds in layout.hidden_bounds), layout.readout_bounds.acc.width]
    for layer, plan, block, total, state in zip(
            layout.network.layers, layout.schedule.layers, layout.blocks, sums,
            [*hidden, layout.readout_bounds.score.width], strict=True):
        geometry = block.synapses.geometry
        rows.append([layer.name, plan.engine.value, geometry.lanes,
                     parallel_count(plan.parallel, plan.units),
                     geometry.folds, total, state])
    return html_table(f"{layout.network.name}: circuit with a port of {layout.port.value}", rows)


def _design(design: Design) -> str:
    paths = design.verilog.paths
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in paths if path.exists())
    return html_table(f"{design.network.name}: Verilog", [
        ["top level", "port", "files", "lines"],
        [design.verilog.top, design.port.value, len(paths), f"{lines:,}"]])


def _outcome(outcome: Outcome) -> str:
    return html_table("exact: every spike, membrane potential and score is the reference's", [
        ["inferences", "cycles per inference"],
        [f"{outcome.inferences:,}", f"{outcome.cycles:,.1f}"]])


TABLES: dict[type[Any], Callable[[Any], str]] = {
    Model: _model, Network: _network, Lowered: _lowered, Plan: _plan, Layout: _layout,
    Design: _design, Outcome: _outcome}

for _kind, _draw in TABLES.items():
    setattr(_kind, "_repr_html_", _draw)  # noqa: B010, the classes know nothing of notebooks
