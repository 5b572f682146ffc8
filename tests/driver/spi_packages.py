"""Stand-ins for spidev and pyftdi, whose calls go to any function that exchanges bytes."""

from types import ModuleType


def spidev(exchange):
    """The package spidev, as far as the driver uses it."""
    class SpiDev:
        def __init__(self):
            self._file = None

        def open_path(self, path):
            self._file = open(path, "rb")  # noqa: SIM115 - closed below

        def fileno(self):
            return self._file.fileno()

        def xfer2(self, values):
            assert isinstance(values, list) and 0 < len(values) <= 4096
            assert (self.mode, self.max_speed_hz) == (0, module.hertz)
            return list(exchange(bytes(values)))

        def close(self):
            if self._file:
                self._file.close()

    module = ModuleType("spidev")
    module.SpiDev, module.hertz = SpiDev, 1_500_000
    return {"spidev": module}


def pyftdi(exchange, fastest=30e6):
    """The package pyftdi, as far as the driver uses it."""
    class Port:
        def exchange(self, out=b"", readlen=0, start=True, stop=True, duplex=False, droptail=0):
            assert duplex and readlen == 0
            return bytearray(exchange(bytes(out)))

    class SpiController:
        frequency_max = fastest

        def configure(self, url, **options):
            if url != "ftdi://ftdi:232h/1":
                raise usbtools.UsbToolsError("No USB device matches URL")

        def get_port(self, cs, freq=None, mode=0):
            assert (cs, mode) == (0, 0)
            module.frequency = freq
            return Port()

        def close(self):
            module.closed = True

    module, spi, usbtools = (ModuleType(name)
                             for name in ("pyftdi", "pyftdi.spi", "pyftdi.usbtools"))
    usbtools.UsbToolsError = type("UsbToolsError", (Exception,), {})
    spi.SpiController, module.closed = SpiController, False
    return {"pyftdi": module, "pyftdi.spi": spi, "pyftdi.usbtools": usbtools}
