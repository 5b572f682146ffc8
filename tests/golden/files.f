// bsnn_small: the Verilog of this folder, for verilator -F, slang -F, and iverilog -f in it.
// Written by bsnn-hw 1.2.3; what it writes is yours.
rtl_mem/bsnn_small.v
