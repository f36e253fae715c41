"""The delimiters of JSONata in a string, `{% … %}`; jsonata compiles what stands between them.

Source: ASL specification, "JSONata": the delimiters are the whole string's.
"""

from __future__ import annotations


def is_expression(text: object) -> bool:
    """Return True for a string `{% … %}` with nothing around it."""
    return isinstance(text, str) and text.startswith("{%") and text.endswith("%}") and len(text) >= 4


def expression_text(text: str) -> str:
    """Return the text between the delimiters."""
    return text[2:-2].strip()
