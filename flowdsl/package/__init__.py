"""Lambda functions packaged as reproducible zips.

`build` is the way in, and `problems` says beforehand what is in its way. A zip has the function's folder, what its
modules import from the project (`imports`, `sources`) and its locked requirements (`requirements`), in the layout of
the project; `archive` writes it, `manifest` records it, `workspace` swaps the whole build in.
"""

from .assembly import Progress, build
from .handler import Handler
from .manifest import FILE as MANIFEST
from .manifest import Manifest, Packaged
from .sources import problems

__all__ = ["MANIFEST", "Handler", "Manifest", "Packaged", "Progress", "build", "problems"]
