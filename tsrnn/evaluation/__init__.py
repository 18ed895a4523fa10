"""Evaluation of forecasts, whoever made them: measures of arrays, and of long frames with a column for each model.

=============  ======================================================================
`metrics`      all measures, as `tsrnn.metrics`
`naive2`       the forecast of the M4 competition that OWA compares with, and OWA
`forecasts`    reads a long frame of forecasts
`training`     the training series beside it: scales of errors, Naive2
`summary`      measures of a long frame for each model, series, origin or step
=============  ======================================================================
"""

from . import metrics

__all__ = ["metrics"]
