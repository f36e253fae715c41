"""What changed in meaning between two definitions.

`model` has the words of a comparison; `meaning` says when two fields mean the same; `matching` finds the states of one
definition in the other, `order` those that moved; `routes`, `rules` and `fields` compare what was matched, `around`
permissions and functions; `touches` (with `effects` and `documents`) says what a change may do to executions in flight,
at-most-once and stored data; `compare` puts it together. All of them are pure. `text`, `markdown` and `picture` show a
comparison; `sources` finds its two sides (`sides`: in flows and builds, `revisions`: in git).
"""
