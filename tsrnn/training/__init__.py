"""Training: from windows to a plan, starting values, the optimiser's loop and a judged network."""
