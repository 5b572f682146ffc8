"""Facts of a page with one of everything, and names that somebody may give."""

from dataclasses import replace

from bsnn_hw.reporting.charts import curves, histogram, scatter
from bsnn_hw.reporting.drawing import Arc, Box, Drawing, Line
from bsnn_hw.reporting.facts import (
    Changes,
    CheckWords,
    Energy,
    Facts,
    Lost,
    Membranes,
    Memory,
    Rates,
    Share,
    Verdict,
    Work,
)
from bsnn_hw.reporting.parts import Front, Part, Placed
from bsnn_hw.reporting.training import Training

__all__ = ["FACTS", "NAMES", "with_name"]

NAMES = {
    "html": "<script>alert(1)</script><b>x</b>",
    "quotes": """a"b'c` onload=x""",
    "comment": "</script><!-- ]]> {{ facts }} {% raw %}",
    "right to left": "\u202e\u05d0\u05d1 <i>",
    "long": "w" * 10_000,
}


def _histogram():
    import numpy as np

    return histogram(np.array([-2, 0, 0, 3]), (2, 3))


FACTS = Facts(
    generator="bsnn-hw 1.2.3", name="small", outline="11-10-3", samples="24 of digits",
    verdict=Verdict("exact", "The circuit computes what the reference computes.", (
        CheckWords("the bench, 24 inferences", "python -m bsnn_hw.verify small", "exact"),)),
    drawing=Drawing(640, 168, 8, 500, 62, 258,
                    (Box(11, "input", (Line(38, "11, 1 bit"), Line(54, "events"))),
                     Box(95, "fc<1>", (Line(38, "linear"), Line(54, "3 lane(s)")))),
                    ((73, 95),),
                    (Arc("M508 52h8c58 0 58 58 0 58h-8", "fc<1> adds spikes of input"),)),
    work=(Work("fc<1>", "3.5", Share("40.0", 100.0), "100 %", True, "120", "80", "960", "1,024",
               "0.310"),),
    limit="layer fc<1> takes the most cycles",
    lost=Lost("1.00 % of the classes differ", (("fc<1>", Share("0.50 %", 100.0)),)),
    membranes=(Membranes("fc<1>", "seen -2 to 3", _histogram()),),
    rates=(Rates("fc<1>", (Share("5.00 %", 100.0), Share("2.50 %", 50.0))),),
    parts=(Part("ecp5-25k", "a part", "100 logic cells", "1.00 %", True, 100.0, 2e5),
           Part("tiny", "another", "900 logic cells", "300.00 %", False, 24.0, 5e4)),
    placed=(Placed("ecp5-25k", "a part", "98 TRELLIS_COMB", 123.4, 41.5, 2.5e5, 8),),
    front=Front("ecp5-25k", "logic cells", scatter([(100, 2e5, "lanes 3", True, True),
                                                    (900, 9e5, "lanes 9", False, False)])),
    memory_forms=("weights", "queues"),
    memory=(Memory("fc<1>", ("1.0", "0.2")),),
    changes=(Changes("fc<1>", "70", "90", "5", "77", "0.001"),
             Changes("all", "70", "90", "5", "77", "0.001")),
    energy=Energy("0.31 nJ", "2.00 nJ", "4.00 nJ", "9.00 nJ", "120", "880", "somebody's table",
                  (("an addition", "0.1 pJ"),)),
    training=(Training("Accuracy", curves({"train accuracy": [0.5, 0.75, 1.0]})),))


def with_name(facts, name):
    """``facts`` with ``name`` wherever a name of somebody's may stand."""
    return replace(
        facts, name=name, samples=name, outline=name,
        verdict=replace(facts.verdict, words=name),
        drawing=replace(facts.drawing, boxes=tuple(
            replace(box, name=name, lines=tuple(replace(line, text=name) for line in box.lines))
            for box in facts.drawing.boxes)),
        work=tuple(replace(each, name=name) for each in facts.work),
        rates=tuple(replace(each, name=name) for each in facts.rates),
        membranes=tuple(replace(each, name=name, words=name) for each in facts.membranes),
        memory=tuple(replace(each, name=name) for each in facts.memory),
        changes=tuple(replace(each, name=name) for each in facts.changes))
