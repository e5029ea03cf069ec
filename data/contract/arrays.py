"""Types of arrays that every layer speaks of."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""An array of float64, of any shape."""
