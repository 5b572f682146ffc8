// Adders, subtracters and comparisons ($alu) on ECP5's carry chains, for Yosys's techmap.
//
// Yosys's own mapping ties the first carry-in to a constant and connects the last carry-out even
// where nothing reads it; nextpnr then adds a CCU2C, two logic cells, at either end of each chain.
// Here a chain begins in a half cell of its own, which needs no carry-in, and ends without a
// carry-out: a carry that is read follows from the sum.
//
// A half cell computes S = (A ^ B ^ C) ^ carry and passes the carry on where A ^ B ^ C is 1, else A.

(* techmap_celltype = "$alu" *)
module ecp5_carry_alu (A, B, CI, BI, X, Y, CO);
	parameter A_SIGNED = 0;
	parameter B_SIGNED = 0;
	parameter A_WIDTH = 1;
	parameter B_WIDTH = 1;
	parameter Y_WIDTH = 1;
	parameter _TECHMAP_CONSTMSK_CI_ = 0;
	parameter _TECHMAP_CONSTVAL_CI_ = 0;
	parameter _TECHMAP_CONSTMSK_BI_ = 0;
	parameter _TECHMAP_CONSTVAL_BI_ = 0;
	parameter [A_WIDTH-1:0] _TECHMAP_CONSTMSK_A_ = 0;

	(* force_downto *) input [A_WIDTH-1:0] A;
	(* force_downto *) input [B_WIDTH-1:0] B;
	input CI, BI;
	(* force_downto *) output [Y_WIDTH-1:0] X, Y, CO;

	wire _TECHMAP_FAIL_ = Y_WIDTH <= 4;  // shorter ones are LUTs

	(* force_downto *) wire [Y_WIDTH-1:0] a, b;
	\$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_a (.A(A), .Y(a));
	\$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_b (.A(B), .Y(b));
	(* force_downto *) wire [Y_WIDTH-1:0] addend = BI ? ~b : b;

	// The first half cell only makes a carry. Where carry-in and inversion are constants it can be
	// that out of bit 0, whose sum is a LUT then: worth it where the sum costs nothing, or where it
	// saves a whole cell.
	localparam CONSTANT = _TECHMAP_CONSTMSK_CI_[0] && _TECHMAP_CONSTMSK_BI_[0];
	localparam MERGED = CONSTANT && (Y_WIDTH % 2 == 0 || _TECHMAP_CONSTMSK_A_[0]) ? 1 : 0;
	localparam HALVES = 1 + Y_WIDTH - MERGED;
	localparam CELLS = (HALVES + 1) / 2;
	localparam SPARE = HALVES < 2 * CELLS;  // half a cell behind the last bit shows its carry-out

	localparam CIN = _TECHMAP_CONSTVAL_CI_[0], INVERTED = _TECHMAP_CONSTVAL_BI_[0];
	localparam [3:0] CARRY_0 =  // of a[0], the low index, and b[0]
		CIN ? (INVERTED ? 4'b1011 : 4'b1110) : (INVERTED ? 4'b0010 : 4'b1000);
	localparam [15:0] FIRST = MERGED ? {12'h000, CARRY_0} : 16'h000A;
	localparam [15:0] SUM = 16'b1001011010101010;

	wire [2*CELLS-1:0] left, right, invert, sum;
	wire [CELLS:1] carry;
	assign left[0] = MERGED ? a[0] : CI;
	assign right[0] = MERGED ? b[0] : 1'b1;
	assign invert[0] = 1'b1;

	genvar i;
	generate
		for (i = 1; i < 2 * CELLS; i = i + 1) begin:half
			if (i < HALVES) begin
				assign left[i] = a[i-1+MERGED];
				assign right[i] = b[i-1+MERGED];
				assign invert[i] = BI;
			end else begin
				assign {left[i], right[i], invert[i]} = 3'b000;
			end
		end
		for (i = 0; i < CELLS; i = i + 1) begin:slice
			// What is not connected stays so in the netlist; carry[0] and the last do not exist.
			if (i == 0)
				CCU2C #(.INIT0(FIRST), .INIT1(SUM), .INJECT1_0("NO"), .INJECT1_1("NO")) cell_i (
					.A0(left[0]), .B0(right[0]), .C0(invert[0]), .D0(1'b1),
					.A1(left[1]), .B1(right[1]), .C1(invert[1]), .D1(1'b1),
					.S1(sum[1]), .COUT(carry[1]));
			else if (i < CELLS - 1)
				CCU2C #(.INIT0(SUM), .INIT1(SUM), .INJECT1_0("NO"), .INJECT1_1("NO")) cell_i (
					.CIN(carry[i]),
					.A0(left[2*i]), .B0(right[2*i]), .C0(invert[2*i]), .D0(1'b1),
					.A1(left[2*i+1]), .B1(right[2*i+1]), .C1(invert[2*i+1]), .D1(1'b1),
					.S0(sum[2*i]), .S1(sum[2*i+1]), .COUT(carry[i+1]));
			else
				CCU2C #(.INIT0(SUM), .INIT1(SUM), .INJECT1_0("NO"), .INJECT1_1("NO")) cell_i (
					.CIN(carry[i]),
					.A0(left[2*i]), .B0(right[2*i]), .C0(invert[2*i]), .D0(1'b1),
					.A1(left[2*i+1]), .B1(right[2*i+1]), .C1(invert[2*i+1]), .D1(1'b1),
					.S0(sum[2*i]), .S1(sum[2*i+1]));
		end

		assign Y[0] = MERGED ? a[0] ^ b[0] ^ (CIN ^ INVERTED) : sum[1];
		for (i = 1; i < Y_WIDTH; i = i + 1) begin:bits
			assign Y[i] = sum[i+1-MERGED];
		end
		for (i = 0; i < Y_WIDTH; i = i + 1) begin:carries
			if (i == Y_WIDTH - 1 && SPARE)
				assign CO[i] = sum[2*CELLS-1];
			else
				assign CO[i] = (a[i] && addend[i]) || (~Y[i] && (a[i] || addend[i]));
		end
	endgenerate
	assign X = a ^ addend;
endmodule
