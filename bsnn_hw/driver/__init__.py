"""Classify with a board over a serial line; needs numpy, and pyserial for real lines.

::

    from bsnn_hw.driver import Device

    with Device.open("serial:/dev/ttyUSB1", "build/board") as device:
        print(device.classify(images))
"""

from bsnn_hw.driver.device import Device, DeviceError, Statistics

__all__ = ["Device", "DeviceError", "Statistics"]
