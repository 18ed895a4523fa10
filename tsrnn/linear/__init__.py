"""Linear models without a network: autoregression and the latent autoregression (a state-space model)."""
