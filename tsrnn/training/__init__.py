"""Training: options, starting values in closed form, the loop over minibatches with early stopping."""
