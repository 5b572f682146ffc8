// board_small: the circuit on Small board, by EHXPLLL from 25 MHz
module board_small (
  input clk,
  input rx,
  output [2:0] lights,
  output tx
);
  wire core;
  wire locked;
  (* ICP_CURRENT = "12" *)
  (* LPF_RESISTOR = "8" *)
  (* MFG_ENABLE_FILTEROPAMP = "1" *)
  (* MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
    .PLLRST_ENA("DISABLED"),
    .INTFB_WAKE("DISABLED"),
    .STDBY_ENABLE("DISABLED"),
    .DPHASE_SOURCE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"),
    .OUTDIVIDER_MUXB("DIVB"),
    .OUTDIVIDER_MUXC("DIVC"),
    .OUTDIVIDER_MUXD("DIVD"),
    .CLKOP_ENABLE("ENABLED"),
    .FEEDBK_PATH("CLKOP"),
    .CLKI_DIV(5),
    .CLKFB_DIV(16),
    .CLKOP_DIV(7),
    .CLKOP_CPHASE(3),
    .CLKOP_FPHASE(0)
  ) pll (
    .CLKI(clk),
    .CLKFB(core),
    .RST(1'b0),
    .STDBY(1'b0),
    .PHASESEL0(1'b0),
    .PHASESEL1(1'b0),
    .PHASEDIR(1'b1),
    .PHASESTEP(1'b1),
    .PHASELOADREG(1'b1),
    .PLLWAKESYNC(1'b0),
    .ENCLKOP(1'b0),
    .LOCK(locked),
    .CLKOP(core)
  );
  bsnn_pins pins (
    .clk(core),
    .rst(!locked),
    .rx(rx),
    .lights(lights),
    .active(),
    .tx(tx)
  );
endmodule
