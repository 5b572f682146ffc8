"""A circuit with what a system on a chip expects of a block: AXI4 streams and registers."""

TOP = "bsnn_axi"  # the top level
