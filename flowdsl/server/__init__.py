"""Servers for other programs: tools for coding agents (MCP) and editors (LSP)."""
