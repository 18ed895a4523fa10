"""A series from a CSV file, as people write them. It reads nothing but files, and nothing else of the package needs it.

`opening` gives the text, `cells` the table, `formats`, `readings` and `dates` say what its labels can be, `labels` and
`together` which columns hold them, `numbers` what the values are, `selection` and `wide` other layouts, `grid` the
steps. `series` puts them one after the other.
"""

from .series import pick, read_csv

__all__ = ["pick", "read_csv"]
