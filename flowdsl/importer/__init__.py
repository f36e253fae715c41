"""Existing definitions brought in: ASL in, Python that a person would have written out.

`source` describes what is read, `module` writes the file: `layout` finds the order of the steps, `states` and `values`
write a state and what is in it, `code` formats as `ruff format` does, and `proof` compiles what was written.
"""
