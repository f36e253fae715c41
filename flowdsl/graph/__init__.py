"""Pictures of definitions and of executions: SVG, PNG, Mermaid, or one page of HTML.

    ASL dict ──layout──> Picture ──svg──> SVG ──png──> PNG
        │                             └──page──> HTML, with the SVG, an outline, and what is known of each state
        └──mermaid──> Mermaid

- `layout` computes where everything is, with graphlay for each machine, innermost machines first. It knows no colours.
- `svg` draws a Picture. A `Mark` gives a state or an edge another colour and a badge: the route that an execution took,
  what tests reach, what changed between two definitions. Marks are by ASL path.
- `timeline` draws what an execution did when, with the same colours.

Nothing here needs a valid definition: what cannot be read is left out, and a state that does not exist is drawn as
missing. The same definition and marks give the same bytes on every computer, because texts are measured with a table of
widths (`fonts`) instead of with the fonts that are installed.
"""
