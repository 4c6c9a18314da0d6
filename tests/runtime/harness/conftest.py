"""The harness tests import what they share by this folder's path, and the model server by the one above."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
