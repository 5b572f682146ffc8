// board_small: the circuit on Small board, the board's oscillator
module board_small (
  input clk,
  input rx,
  output lights,
  output tx
);
  wire core;
  assign core = clk;
  bsnn_pins pins (
    .clk(core),
    .rst(1'b0),
    .rx(rx),
    .lights(lights),
    .active(),
    .tx(tx)
  );
endmodule
