"""Telling other systems of a delay."""
