"""Four pins around a design of any number of ports, for families that want their pins placed.

A shift register of one flip-flop a bit feeds the inputs; another, loaded side by side and shifted
out, takes the outputs. Every path of the design then starts and ends in a flip-flop. Nothing can
be computed through it: it is there to be placed. It is written in mapped cells of iCE40, so that
synthesis of the design itself is over before it comes.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["HARNESS", "INSTANCE", "harness", "harness_cells"]

HARNESS, INSTANCE = "bsnn_pin_harness", "harnessed"

Port = tuple[str, int, bool]  # name, bits, is an input

_TEXT = """\
module {name} (input clk, input feed, input load, output drain);
  wire [{inputs}:0] given;
  wire [{outputs}:0] taken;
  wire [{last_output}:0] shown;
  assign given[0] = feed;
  assign taken[0] = 1'b0;
  assign drain = taken[{outputs}];
  {top} {instance} (
{connections}
  );
  genvar i;
  generate
    for (i = 0; i < {inputs}; i = i + 1) begin : feeding
      SB_DFF cell (.C(clk), .D(given[i]), .Q(given[i + 1]));
    end
    for (i = 0; i < {outputs}; i = i + 1) begin : draining
      wire next;
      SB_LUT4 #(.LUT_INIT(16'hcaca)) pick (
        .I0(taken[i]), .I1(shown[i]), .I2(load), .I3(1'b0), .O(next));
      SB_DFF cell (.C(clk), .D(next), .Q(taken[i + 1]));
    end
  endgenerate
endmodule
"""


def harness_cells(ports: Sequence[Port]) -> int:
    """Logic cells of the harness: one for each bit of a port but the clock."""
    return sum(width for name, width, _ in ports if name != "clk")


def harness(top: str, ports: Sequence[Port]) -> str:
    """Verilog of the module `HARNESS` around the module ``top``."""
    inputs = outputs = 0
    lines = []
    for name, width, is_input in ports:
        if name == "clk":
            signal = "clk"
        elif is_input:
            signal = f"given[{inputs + width}:{inputs + 1}]"
            inputs += width
        else:
            signal = f"shown[{outputs + width - 1}:{outputs}]"
            outputs += width
        lines.append(f"    .{name}({signal})")
    return _TEXT.format(name=HARNESS, instance=INSTANCE, top=top, inputs=inputs, outputs=outputs,
                        last_output=outputs - 1, connections=",\n".join(lines))
