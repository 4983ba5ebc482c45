"""What all tests share."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test reaches a hub: a missing model is missed at once
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models are fastest on one thread, and other tests run beside
