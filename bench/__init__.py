"""Figures: each hot path against the bare limit, measured in the same run."""
