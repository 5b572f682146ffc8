"""Trained networks of other frameworks to model files (docs/convert.md).

None of the frameworks is needed here: a module that is given brings its own along.
"""

from bsnn_hw.convert.converter import Converter
from bsnn_hw.convert.family_norse import NORSE
from bsnn_hw.convert.family_sinabs import SINABS
from bsnn_hw.convert.family_snntorch import SNNTORCH
from bsnn_hw.convert.family_spikingjelly import SPIKINGJELLY
from bsnn_hw.convert.nir_file import nir

__all__ = ["brevitas", "nir", "norse", "sinabs", "snntorch", "spikingjelly"]

snntorch = Converter("snntorch", (SNNTORCH,))
spikingjelly = Converter("spikingjelly", (SPIKINGJELLY,))
sinabs = Converter("sinabs", (SINABS,))
norse = Converter("norse", (NORSE,))
# Quantised layers, with the neurons of either.
brevitas = Converter("brevitas", (SNNTORCH, SPIKINGJELLY))
