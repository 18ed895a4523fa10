"""Forecasting: how a trained network continues a series, with intervals and sample paths."""
