"""The same jobs in tsrnn, neuralforecast and darts: times of fit, predict and backtest, alternating, and the errors.

    python -m tests.benchmarks.peers FOLDER [--jobs commodities m5 m4 backtest] [--cells GRU LSTM]
        [--batch-sizes 32] [--repeats 2]

FOLDER holds the files that `tests.benchmarks.accuracy` reads; the session `peers` of nox installs the peers. A ratio is
the peer's median time over ours.

**neuralforecast**: one network for all series, one layer of 64 units, direct forecasts, on the last origin of the
commodities (71 series, gaps filled before), of the sample of M5 (the last 200 days of 303 series; event and snap are
known ahead, store, department and state are embedded) and of M4 Hourly (the last 240 hours of 414 series). Equal on
both sides: context, horizon, covariates, windows in each update, number of updates (ours trains one epoch, theirs as
many steps), absolute errors as the loss, scaling, Adam and its learning rate, float32, threads, no validation. Each of
our updates reads windows of all series; each of theirs those of 32, its default, because it cuts all windows of the
series that it draws from. The peer has neither logs, progress bars, checkpoints nor validation, and forecasts all
series in one batch; its decoder is the smallest there is, one linear map of each state to its step, and it clips no
gradient. Ours maps the last state to all steps, clips, and has a linear skip whose start is solved first. Fit and
predict begin and end with tables. A batch of 32 windows is our default; the peer's is 128. The larger it is, the less
the peer's work around the matrix products counts.

**darts**: forecasts of 24 steps from the last 200 origins of the monthly sunspots, GRU, hidden 64, context 96, trained
before on the rows up to the first origin. The peer's series is scaled before; ours is scaled within.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn.datasets import load_monthly_sunspots

from .accuracy import Split, m4_hourly, rolling, scaled_errors
from .kernels import alternate, wake_torch
from .measure import line

HIDDEN, LEARNING_RATE = 64, 0.003
#: Forecasts take so little time that more of them are timed than fits.
PREDICT_REPEATS = 10
#: What keeps the peers' trainers from doing anything but training.
QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_checkpointing": False,
    "enable_model_summary": False,
    "enable_progress_bar": False,
}
#: Our names of scalings, and neuralforecast's scaler of a whole series and of a window.
SCALERS = {"standard": ("standard", "identity"), "window": (None, "standard")}


@dataclass(frozen=True)
class Job:
    """A panel and how to forecast it; `season` is that of the MASE."""

    split: Callable[[Path], Split]
    freq: str | int
    context: int
    horizon: int
    season: int
    scaling: str
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()


def commodities(folder: Path) -> Split:
    """Monthly prices, whose gaps are filled by lines: neuralforecast reads rows, not dates."""
    train, test = next(rolling(folder / "dev" / "commodities.csv.gz", 12, 1))
    series = train.set_index("ds").groupby("unique_id", sort=False)["y"]
    return series.apply(lambda y: y.asfreq("MS").interpolate()).reset_index(), test


def m5(folder: Path) -> Split:
    """Daily sales of at least 120 days, the last 200 of each series."""
    train, test = next(rolling(folder / "dev" / "m5_sample.csv.gz", 28, 1, least=120))
    return last_rows(train, 200), test


def m4(folder: Path) -> Split:
    """The last 240 hours of each series."""
    train, test = next(m4_hourly(folder))
    return last_rows(train, 240), test


def last_rows(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """At most n rows of each series, so that the peer's epoch takes half a minute."""
    return frame[frame.groupby("unique_id").cumcount(ascending=False) < n]


PANELS = {
    "commodities": Job(commodities, "MS", 24, 12, 12, "standard"),
    "m5": Job(m5, "D", 28, 28, 1, "standard", future=("event", "snap"), static=("store", "dept", "state")),
    "m4": Job(m4, 1, 48, 48, 24, "window"),
}


# ---- neuralforecast --------------------------------------------------------------------------------------------------


def fit_ours(job: Job, cell: str, batch_size: int, train: pd.DataFrame, static: pd.DataFrame | None) -> Any:
    """The fitted forecaster."""
    make = getattr(tsrnn, f"{cell}Forecaster")
    roles: dict[str, Any] = {} if static is None else {"future": list(job.future), "static": static}
    return make(
        context_length=job.context,
        horizon=job.horizon,
        hidden_size=HIDDEN,
        batch_size=batch_size,
        max_epochs=1,
        learning_rate=LEARNING_RATE,
        scaling=job.scaling,
        loss="mae",
        season_lengths=[],  # no further inputs
        early_stopping=False,
        random_state=0,
    ).fit(train, **roles)


def fit_peer(
    job: Job, cell: str, batch_size: int, train: pd.DataFrame, static: pd.DataFrame | None, n_updates: int
) -> Any:
    """The fitted NeuralForecast."""
    from neuralforecast import NeuralForecast, models
    from neuralforecast.losses.pytorch import MAE

    of_series, of_window = SCALERS[job.scaling]
    model = getattr(models, cell)(
        h=job.horizon,
        input_size=job.context,
        encoder_n_layers=1,
        encoder_hidden_size=HIDDEN,
        decoder_layers=1,
        futr_exog_list=list(job.future),
        stat_exog_list=list(job.static),
        cat_exog_list=list(job.static),
        categorical_cardinalities={} if static is None else static.nunique().to_dict(),
        loss=MAE(),
        learning_rate=LEARNING_RATE,
        max_steps=n_updates,
        windows_batch_size=batch_size,
        valid_batch_size=1024,  # all series in one batch of forecasts
        scaler_type=of_window,
        early_stop_patience_steps=-1,
        val_check_steps=n_updates,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        **QUIET,
    )
    fitted = NeuralForecast([model], freq=job.freq, local_scaler_type=of_series)
    fitted.fit(train, static_df=None if static is None else static.reset_index())
    assert len(fitted.models[0].train_trajectories) == n_updates
    return fitted


def compare_panel(name: str, cell: str, batch_size: int, folder: Path, repeats: int) -> None:
    """Time fits and forecasts of one panel by one cell; print their lines."""
    job = PANELS[name]
    train, test = job.split(folder)
    static = train.groupby("unique_id")[list(job.static)].first() if job.static else None
    keys = ["unique_id", "ds", *job.future]
    train, steps = train[[*keys, "y"]], test[keys] if job.future else None
    fitted = {"ours": fit_ours(job, cell, batch_size, train, static)}  # compiles
    n_updates = fitted["ours"].n_updates_
    fit_peer(job, cell, batch_size, train, static, n_updates=2)

    def fit(side: str) -> None:
        if side == "ours":
            fitted[side] = fit_ours(job, cell, batch_size, train, static)
        else:
            fitted[side] = fit_peer(job, cell, batch_size, train, static, n_updates)

    def predict(side: str) -> pd.DataFrame:
        if side == "ours":
            return fitted[side].predict(steps)
        return fitted[side].predict(futr_df=steps).rename(columns={cell: "y"})

    sides = ("ours", "theirs")
    seconds = alternate({side: lambda s=side: fit(s) for side in sides}, repeats, is_warm=True)
    errors = [scaled_errors(train, test, predict(side), job.season, power=1).mean() for side in sides]
    note = f"MASE {errors[0]:.3f} ours, {errors[1]:.3f} theirs; {n_updates} updates of {batch_size} windows"
    ratio(f"{name}, {cell}: fit", seconds, 8, note)
    seconds = alternate({side: lambda s=side: predict(s) for side in sides}, PREDICT_REPEATS)
    ratio(f"{name}, {cell}: predict", seconds, 20, f"{test['unique_id'].nunique()} series")


def ratio(what: str, seconds: dict[str, float], at_least: float, note: str) -> None:
    """Print how many times as long theirs takes as ours."""
    times = f"ours {seconds['ours']:.4g} s, theirs {seconds['theirs']:.4g} s"
    line(what, seconds["theirs"] / seconds["ours"], "times", note=f"{times}; {note}", at_least=at_least)


# ---- darts -----------------------------------------------------------------------------------------------------------

CONTEXT, HORIZON, N_ORIGINS, BATCH, EPOCHS = 96, 24, 200, 64, 2


def train_ours(y: pd.Series) -> Any:
    """A forecaster whose `fit` takes the parameters of a fit to `y`, so that a backtest contains no training."""
    options: dict[str, Any] = {
        "context_length": CONTEXT,
        "horizon": HORIZON,
        "hidden_size": HIDDEN,
        "batch_size": BATCH,
        "max_epochs": EPOCHS,
        "season_lengths": [],
        "early_stopping": False,
        "random_state": 0,
    }
    trained = tsrnn.GRUForecaster(**options).fit(y)

    class Trained(tsrnn.GRUForecaster):
        def fit(self, X: Any, y: Any = None) -> Any:
            vars(self).update(vars(trained))
            return self

    return Trained(**options)


def train_peer(y: pd.Series) -> tuple[Any, Any]:
    """The fitted model of darts, and the whole series as it reads it, scaled by `y`."""
    from darts import TimeSeries
    from darts.models import BlockRNNModel

    model = BlockRNNModel(
        input_chunk_length=CONTEXT,
        output_chunk_length=HORIZON,
        model="GRU",
        hidden_dim=HIDDEN,
        batch_size=BATCH,
        n_epochs=EPOCHS,
        optimizer_kwargs={"lr": LEARNING_RATE},
        random_state=0,
        pl_trainer_kwargs=QUIET,
    )
    return model.fit(TimeSeries.from_series(y.astype(np.float32)))


def compare_backtests(repeats: int) -> None:
    """Time backtests of a trained GRU; print a line."""
    from darts import TimeSeries

    y = load_monthly_sunspots()
    before = y.iloc[: len(y) - HORIZON - N_ORIGINS + 1]
    mean, scale = before.mean(), before.std()
    ours, peer = train_ours(before), train_peer((before - mean) / scale)
    scaled = TimeSeries.from_series(((y - mean) / scale).astype(np.float32))

    def backtest() -> pd.DataFrame:
        options = {"horizon": HORIZON, "n_windows": N_ORIGINS, "step": 1, "refit": False}
        return tsrnn.backtest({"GRU": ours}, y, **options)

    def historical_forecasts() -> list[Any]:
        return peer.historical_forecasts(
            scaled, start=len(before), start_format="position", forecast_horizon=HORIZON, stride=1, retrain=False,
            last_points_only=False, predict_kwargs={"batch_size": N_ORIGINS},
        )  # fmt: skip

    table, theirs = backtest(), historical_forecasts()
    assert len(theirs) == N_ORIGINS
    assert (table["ds"] == np.concatenate([each.time_index for each in theirs])).all()
    table["theirs"] = mean + scale * np.concatenate([each.values()[:, 0] for each in theirs])
    errors = [(table[column] - table["y"]).abs().mean() for column in ("GRU", "theirs")]
    seconds = alternate({"ours": backtest, "theirs": historical_forecasts}, repeats)
    ratio("backtest, GRU", seconds, 50, f"MAE {errors[0]:.2f} ours, {errors[1]:.2f} theirs; {N_ORIGINS} origins")


def be_quiet() -> None:
    """Let the trainers' library log errors only; its import sets another level."""
    import pytorch_lightning  # noqa: F401

    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


def main() -> None:
    """Print a line for each job and cell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    jobs = [*PANELS, "backtest"]
    parser.add_argument("--jobs", nargs="+", default=jobs, choices=jobs)
    parser.add_argument("--cells", nargs="+", default=["GRU", "LSTM"], choices=["GRU", "LSTM", "RNN"])
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[32])
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    import numba

    wake_torch(numba.get_num_threads())
    be_quiet()
    for job in args.jobs:
        if job == "backtest":
            compare_backtests(max(args.repeats, 3))
            continue
        for cell, batch_size in product(args.cells, args.batch_sizes):
            compare_panel(job, cell, batch_size, args.folder, args.repeats)


if __name__ == "__main__":
    main()
