"""Proofs of the components of hdl/: whatever comes in, and however long it goes on."""
