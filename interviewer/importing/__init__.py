"""Turns a user's own list of questions into question files."""
