"""Figures that a user can measure himself."""
