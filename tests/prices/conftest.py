"""The price list tests import their shared cases by this folder's path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
