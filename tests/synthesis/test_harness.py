"""Ports in shift registers."""

from bsnn_hw.synthesis.harness import harness, harness_cells

PORTS = [("clk", 1, True), ("rst", 1, True), ("s_axis_tdata", 5, True), ("ready", 1, False),
         ("m_axis_tdata", 3, False)]


def test_every_bit_of_a_port_has_its_own_place():
    text = harness("top", PORTS)
    for connection in (".clk(clk)", ".rst(given[1:1])", ".s_axis_tdata(given[6:2])",
                       ".ready(shown[0:0])", ".m_axis_tdata(shown[3:1])"):
        assert connection in text
    assert "wire [6:0] given" in text
    assert "wire [4:0] taken" in text
    assert harness_cells(PORTS) == 10


def test_the_netlist_has_four_pins(mapped):
    import json

    target, netlist = mapped
    modules = json.loads(netlist.json.read_text())["modules"]
    if target.harness:
        ports = modules["bsnn_pin_harness"]["ports"]
        assert {name: len(port["bits"]) for name, port in ports.items()} == {
            "clk": 1, "feed": 1, "load": 1, "drain": 1}
        assert netlist.harness == sum(len(port["bits"])
                                      for name, port in modules[netlist.top]["ports"].items()
                                      if name != "clk")
    else:
        assert "bsnn_pin_harness" not in modules
        assert netlist.harness == 0
