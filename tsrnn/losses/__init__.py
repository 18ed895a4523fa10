"""Losses: value and derivatives as scalar functions, and what a forecast reads from its parameters."""
