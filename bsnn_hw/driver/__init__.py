"""Classify with a board over a serial line or SPI; needs numpy, and a package for real ports.

::

    from bsnn_hw.driver import Device

    with Device.open("serial:/dev/ttyUSB1", "build/board") as device:
        print(device.classify(images))
"""

from bsnn_hw.driver.device import Device, DeviceError, Statistics

__all__ = ["Device", "DeviceError", "Statistics"]
