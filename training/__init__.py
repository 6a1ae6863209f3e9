"""Fits the models that the graders ship."""
