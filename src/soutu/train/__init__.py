"""Train multi-label heads on vectors and pictures: needs the extra `train` (torch, scikit-learn).

Nothing here is imported when soutu or its command line starts.
"""

from __future__ import annotations
