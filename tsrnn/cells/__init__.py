"""Recurrent cells, one a file: equations, their gradient, and a description of the arrays that they read and write."""
