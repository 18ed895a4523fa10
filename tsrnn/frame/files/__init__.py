"""A series, or a panel, from a CSV file in any common layout. Only the command line uses this package.

=================  ==========================================================================
`series`           `read_csv`, which calls the others one after the other
`panel`            `read_panel_csv` and `read_static_csv`, the same for many series in one file
`decoding`         text of a file: decompressed and decoded
`text_table`       table in a text: separator, header, cells
`date_formats`     formats such as ``%d/%m/%Y``: parsing, and the formats that a text may have
`interpretations`  dates or numbers that the text of a column may mean
`dates`            choice of the plausible interpretation of a column
`date_columns`     dates that are spread over several columns
`labels`           choice of the columns with labels
`numbers`          numbers with decimal marks and thousands separators
`selection`        several series in one file
`wide`             tables with a year in each row
`grid`             regular grid of the labels
=================  ==========================================================================
"""

from .panel import FilePanel, read_panel_csv, read_static_csv
from .series import read_csv, select_column

__all__ = ["FilePanel", "read_csv", "read_panel_csv", "read_static_csv", "select_column"]
