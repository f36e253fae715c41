"""Lambda functions packaged as reproducible zips.

`assembly.build` is the entry point; `sources.problems` checks functions beforehand. A zip contains the function's
folder, what its modules import from the project (`sources`) and its locked requirements (`requirements`), in the layout
of the project. `archive` writes it, `manifest` records it, and `workspace` puts the whole build into place.
`verify` runs the zips as Lambda does, against a `runtime_api`.
"""
