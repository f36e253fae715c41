"""A seeded campaign against the payment flow: many payments with faults everywhere, judged by the PSP's ledger.

`python -m benchmarks.campaign` runs it. Each payment is a scenario of its own, with its own stores, and depends on
nothing but the seed and its number:

- `plan` decides what happens: which donations are submitted when and how often, what the donor does, outages,
  StopExecution, sweeps, kill -9;
- `faults` decides what happens to each call and to each transaction of a store, by name, not by order, so that one
  scenario is reproduced alone;
- `world` carries the plan out on the embedded engine, on its virtual clock;
- `checks` compares ledger, records, executions and messages.
"""
