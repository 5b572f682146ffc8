"""What a host and a board say to each other over a serial line; docs/serial.md."""
