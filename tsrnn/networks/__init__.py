"""Networks: which parameters one has, how they lie in memory, and how it runs on a backend."""
