"""Codes that every vocabulary begins with; the symbols of a training follow."""

#: A symbol that the training did not see; what begins a target and ends a source; what ends a target.
UNKNOWN, START, END = range(3)
#: The first code that an output may be.
FIRST_OUTPUT = END
