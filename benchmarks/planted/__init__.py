"""A second set of seeded bugs, with other operators and other flows: `python -m benchmarks.planted [SEED] [COUNT]`.

Where benchmarks/mutations.py misspells, this one changes what a flow means: a field of another kind, a rule that is
there twice, a counter that stands still, another shape of a handler's result or event, a setting, a line of YAML. Each
operator says at which lines of which file a colleague would look. Correct edits must stay without a new finding.
With `--missed` it prints what was missed.
"""
