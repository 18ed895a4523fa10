"""Recurrent cells, one family a file: equations, their gradient, and a description of the arrays that they use.

`registry` lists the families; a new one is its file and one line there.
"""
