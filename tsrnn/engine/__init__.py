"""LEARNING: functions of arrays. Parameters, windows, networks, strategies and training; no pandas, no scikit-learn."""
