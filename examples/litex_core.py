"""A bundle's circuit as a LiteX module: two AXI4-Streams in the clock domain ``sys``.

    self.core = BsnnCore(platform, "build/demo")
    self.comb += [reader.source.connect(self.core.sink), self.core.source.connect(writer.sink)]
"""

import json
from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect.axi import AXIStreamInterface
from migen import ClockSignal, Instance, ResetSignal


class BsnnCore(LiteXModule):
    """The top level of ``bundle``, a folder that ``python -m bsnn_hw.generate`` wrote.

    Members
    -------
    sink : AXIStreamInterface, a packet per inference; ``user``, where the port has it, is the mark
    source : AXIStreamInterface, scores; ``user``, where the port has it, is the leading class
    """

    def __init__(self, platform, bundle):
        bundle = Path(bundle)
        facts = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        takes, gives = facts["s_axis"], facts["m_axis"]
        self.sink = sink = AXIStreamInterface(takes["tdata_width"],
                                              user_width=1 if takes.get("tuser") else 0)
        self.source = source = AXIStreamInterface(gives["tdata_width"],
                                                  user_width=gives.get("tuser_width", 0))
        ports = {"i_clk": ClockSignal("sys"), "i_rst": ResetSignal("sys")}
        for name, stream, given, taken in (("s_axis", sink, "i", "o"),
                                           ("m_axis", source, "o", "i")):
            ports |= {f"{given}_{name}_tdata": stream.data, f"{given}_{name}_tlast": stream.last,
                      f"{given}_{name}_tvalid": stream.valid,
                      f"{taken}_{name}_tready": stream.ready}
        if takes.get("tuser"):
            ports["i_s_axis_tuser"] = sink.user
        if "tuser_width" in gives:
            ports["o_m_axis_tuser"] = source.user
        self.specials += Instance(facts["top"], **ports)
        for name in facts["sources"]:
            platform.add_source(str(bundle / name))
