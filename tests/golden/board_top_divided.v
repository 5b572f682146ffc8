// board_small: the circuit on Small board, 25 MHz divided by 4
module board_small (
  input clk,
  input rx,
  output tx
);
  wire core;
  bsnn_divider divider (.clk(clk), .rst(1'b0), .slow(core));
  bsnn_pins pins (
    .clk(core),
    .rst(1'b0),
    .rx(rx),
    .active(),
    .tx(tx)
  );
endmodule
