from __future__ import annotations


class PanelTarget:
    pass
