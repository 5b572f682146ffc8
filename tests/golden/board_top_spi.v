// board_small: the circuit on Small board, the board's oscillator
module board_small (
  input clk,
  input sck,
  input mosi,
  input cs_n,
  output [2:0] lights,
  output miso
);
  wire core;
  assign core = clk;
  bsnn_pins pins (
    .clk(core),
    .rst(1'b0),
    .sck(sck),
    .mosi(mosi),
    .cs_n(cs_n),
    .lights(lights),
    .active(),
    .miso(miso)
  );
endmodule
