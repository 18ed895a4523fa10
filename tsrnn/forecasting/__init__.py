"""Forecasting: how a trained network continues a series, and how sure the forecast is."""
