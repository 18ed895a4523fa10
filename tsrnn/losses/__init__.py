"""Losses, one or one family a file: value and derivatives as scalar functions, and the distribution of a likelihood.

`registry` lists the files; a new one is its file and one line there.
"""
