"""Evaluation of forecasts, whoever made them: measures of arrays and long frames, and backtests that make such frames.

Nothing here imports an estimator: models are used through their public methods.

===============  ======================================================================
`backtest`       forecasts of models from several cutoffs
`backtest_data`  its data: rows for models, and their answers as arrays
`naive2`         the forecast of the M4 competition that OWA compares with, and OWA
`forecasts`      reads a long frame of forecasts
`training`       the training series beside it: scales of errors, Naive2
`summary`        measures of a long frame for each model, series, origin or step
===============  ======================================================================
"""
