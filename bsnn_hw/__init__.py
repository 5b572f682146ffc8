"""Trained binary spiking neural networks to event-driven hardware, bit for bit."""

__version__ = "0.1.0"
