"""Lambda functions packaged as reproducible zips.

`assembly.build` is the way in, and `sources.problems` says beforehand what is in its way. A zip has the function's
folder, what its modules import from the project (`imports`, `sources`) and its locked requirements (`requirements`), in
the layout of the project; `archive` writes it, `manifest` records it, `workspace` swaps the whole build in.
"""
