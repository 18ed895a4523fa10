"""Nine small public data sets, for the examples, the tests and the command line.

Each loader returns a new object of float64 in the original units, with dates of a regular frequency as index. The files
are in the folder ``datasets`` of the repository; its README names their sources. Importing this module is cheap: pandas
is imported with the first data set.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.resources.abc import Traversable

    import pandas as pd

__all__ = [
    "DATASETS",
    "load",
    "load_air_passengers",
    "load_co2",
    "load_elec_equip",
    "load_elnino",
    "load_lynx",
    "load_macrodata",
    "load_monthly_sunspots",
    "load_nile",
    "load_sunspots",
]


def load(name: str) -> pd.Series | pd.DataFrame:
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        One of the keys of `DATASETS`.

    Returns
    -------
    pandas.Series or pandas.DataFrame
        The result of the loader of that name.

    Raises
    ------
    ValueError
        If there is no data set of that name.

    Examples
    --------
    >>> load("nile").equals(load_nile())
    True
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; choose one of {', '.join(DATASETS)}")
    return DATASETS[name]()


def load_air_passengers() -> pd.Series:
    """Passengers on international airlines, in thousands a month: 144 months, January 1949 to December 1960.

    A growing trend, and a yearly season that grows with it.

    Returns
    -------
    pandas.Series
        Named ``passengers``, with frequency ``MS``.

    Notes
    -----
    - Source: G. E. P. Box and G. M. Jenkins (1976), *Time Series Analysis: Forecasting and Control*, series G.
    - Licence: none needed; the numbers are facts.

    Examples
    --------
    >>> load_air_passengers().tail(2)
    date
    1960-11-01    390.0
    1960-12-01    432.0
    Freq: MS, Name: passengers, dtype: float64
    """
    return _series("air_passengers", "MS")


def load_sunspots() -> pd.Series:
    """Sunspot activity, as the mean relative sunspot number of a year: 309 years, 1700 to 2008.

    A cycle of about 11 years that varies in length and height.

    Returns
    -------
    pandas.Series
        Named ``sunspots``, with frequency ``YS``.

    Notes
    -----
    - Source: NOAA National Geophysical Data Center (NGDC).
    - Licence: public domain.

    Examples
    --------
    >>> load_sunspots().tail(2)
    date
    2007-01-01    7.5
    2008-01-01    2.9
    Freq: YS-JAN, Name: sunspots, dtype: float64
    """
    return _series("sunspots", "YS")


def load_monthly_sunspots() -> pd.Series:
    """Sunspot activity, as the mean relative sunspot number of a month: 2820 months, January 1749 to December 1983.

    An older edition than the yearly series: in a few years, mainly 1840 and 1947, its mean is not the yearly value.

    Returns
    -------
    pandas.Series
        Named ``sunspots``, with frequency ``MS``.

    Notes
    -----
    - Source: Solar Influences Data Analysis Center (SIDC), Brussels, and NOAA.
    - Licence: none needed; the numbers are facts.

    Examples
    --------
    >>> load_monthly_sunspots().tail(2)
    date
    1983-11-01    33.3
    1983-12-01    33.4
    Freq: MS, Name: sunspots, dtype: float64
    """
    return _series("monthly_sunspots", "MS")


def load_co2() -> pd.Series:
    """Carbon dioxide in the air at Mauna Loa, Hawaii, in parts per million by volume: 2284 weeks, 1958 to 2001.

    Weekly means, each dated on its Saturday, 29 March 1958 to 29 December 2001. 59 weeks are missing (NaN); the longest
    gap has 18 weeks, January to May 1964.

    Returns
    -------
    pandas.Series
        Named ``co2``, with frequency ``W-SAT``.

    Notes
    -----
    - Source: C. D. Keeling and T. P. Whorf (2004), *Atmospheric CO2 concentrations derived from flask air samples at
      sites in the SIO network*, Carbon Dioxide Information Analysis Center (CDIAC).
    - Licence: public domain.

    Examples
    --------
    >>> load_co2().head(7)
    date
    1958-03-29    316.1
    1958-04-05    317.3
    1958-04-12    317.6
    1958-04-19    317.5
    1958-04-26    316.4
    1958-05-03    316.9
    1958-05-10      NaN
    Freq: W-SAT, Name: co2, dtype: float64
    """
    return _series("co2", "W-SAT")


def load_lynx() -> pd.Series:
    """Canadian lynx trapped in a year, as a number of animals: 114 years, 1821 to 1934.

    A cycle of about 10 years with steep peaks.

    Returns
    -------
    pandas.Series
        Named ``lynx``, with frequency ``YS``.

    Notes
    -----
    - Source: M. J. Campbell and A. M. Walker (1977), *A survey of statistical work on the Mackenzie River series of
      annual Canadian lynx trappings for the years 1821-1934 and a new analysis*, JRSS A 140.
    - Licence: none needed; the numbers are facts.

    Examples
    --------
    >>> load_lynx().tail(2)
    date
    1933-01-01    2657.0
    1934-01-01    3396.0
    Freq: YS-JAN, Name: lynx, dtype: float64
    """
    return _series("lynx", "YS")


def load_nile() -> pd.Series:
    """Flow of the Nile at Aswan, in 10^8 cubic metres a year: 100 years, 1871 to 1970.

    Its level drops near 1898.

    Returns
    -------
    pandas.Series
        Named ``volume``, with frequency ``YS``.

    Notes
    -----
    - Source: G. W. Cobb (1978), *The problem of the Nile: conditional solution to a changepoint problem*,
      Biometrika 65.
    - Licence: public domain.

    Examples
    --------
    >>> load_nile().tail(2)
    date
    1969-01-01    714.0
    1970-01-01    740.0
    Freq: YS-JAN, Name: volume, dtype: float64
    """
    return _series("nile", "YS")


def load_elnino() -> pd.Series:
    """Sea surface temperature in region Niño 1+2, in degrees Celsius: 732 months, January 1950 to December 2010.

    Means over the Pacific Ocean from 0 to 10 degrees south and 80 to 90 degrees west. A strong yearly season, and
    warmer years during El Niño.

    Returns
    -------
    pandas.Series
        Named ``temperature``, with frequency ``MS``.

    Notes
    -----
    - Source: NOAA, dataset ERSST.V3B.
    - Licence: public domain.

    Examples
    --------
    >>> load_elnino().tail(2)
    date
    2010-11-01    20.44
    2010-12-01    22.07
    Freq: MS, Name: temperature, dtype: float64
    """
    return _series("elnino", "MS")


def load_macrodata() -> pd.DataFrame:
    """Twelve series of the economy of the United States: 203 quarters, 1959Q1 to 2009Q3.

    The first five are in billions of chained 2005 US dollars, as seasonally adjusted annual rates.

    ============  ====================================================================================
    ``realgdp``   real gross domestic product
    ``realcons``  real personal consumption expenditures
    ``realinv``   real gross private domestic investment
    ``realgovt``  real federal consumption expenditures and gross investment
    ``realdpi``   real private disposable income
    ``cpi``       consumer prices at the end of the quarter, 1982-84 = 100, seasonally adjusted
    ``m1``        M1 money stock at the end of the quarter, billions of US dollars, seasonally adjusted
    ``tbilrate``  interest on 3-month treasury bills, per cent, mean over the quarter
    ``unemp``     unemployment, per cent, seasonally adjusted
    ``pop``       population at the end of the quarter, millions
    ``infl``      inflation, per cent a year: 400 times the change in the logarithm of ``cpi``
    ``realint``   real interest, per cent: ``tbilrate`` less ``infl``
    ============  ====================================================================================

    The first value of ``infl`` and ``realint`` is 0 because the change from the quarter before is unknown.

    Returns
    -------
    pandas.DataFrame
        One column for each series, with frequency ``QS``.

    Notes
    -----
    - Source: Federal Reserve Bank of St. Louis (FRED); unemployment from the Bureau of Labor Statistics (BLS).
    - Licence: public domain.

    Examples
    --------
    >>> load_macrodata()["realgdp"].tail(2)
    date
    2009-04-01    12901.504
    2009-07-01    12990.341
    Freq: QS-JAN, Name: realgdp, dtype: float64
    """
    return _frame("macrodata", "QS")


def load_elec_equip() -> pd.Series:
    """Turnover of the makers of electrical equipment in the euro area, 2010 = 100: 257 months, 1995 to May 2016.

    Adjusted for working days, but not seasonally adjusted.

    Returns
    -------
    pandas.Series
        Named ``turnover``, with frequency ``MS``.

    Notes
    -----
    - Source: Eurostat, series STS.M.I7.W.TOVT.NS0016.4.000.
    - Licence: public domain; Eurostat asks to be named as the source.

    Examples
    --------
    >>> load_elec_equip().tail(2)
    date
    2016-04-01    97.05
    2016-05-01    97.86
    Freq: MS, Name: turnover, dtype: float64
    """
    return _series("elec_equip", "MS")


DATASETS: Mapping[str, Callable[[], pd.Series | pd.DataFrame]] = {
    "air_passengers": load_air_passengers,
    "sunspots": load_sunspots,
    "monthly_sunspots": load_monthly_sunspots,
    "co2": load_co2,
    "lynx": load_lynx,
    "nile": load_nile,
    "elnino": load_elnino,
    "macrodata": load_macrodata,
    "elec_equip": load_elec_equip,
}
"""The loaders by the names that `load` and the command line accept."""


def _series(name: str, freq: str) -> pd.Series:
    """Return the only series of a file."""
    return _frame(name, freq).iloc[:, 0]


def _frame(name: str, freq: str) -> pd.DataFrame:
    """Return the table of a file, with dates of the frequency `freq`; a ValueError if its dates are not regular."""
    import pandas as pd

    with _find(f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, index_col="date").astype("float64")
    return frame.set_index(pd.DatetimeIndex(frame.index, freq=freq))


def _find(file: str) -> Traversable:
    """Return the path of `file`, in the installed package or in the repository."""
    from importlib.resources import files

    for folder in (files("tsrnn") / "_data", Path(__file__).parents[1] / "datasets"):
        if (folder / file).is_file():
            return folder / file
    raise FileNotFoundError(
        f"{file} is neither in the installed package (tsrnn/_data) nor in a source checkout (datasets); reinstall tsrnn"
    )
