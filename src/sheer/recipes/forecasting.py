"""airline, temperatures, sunspots, pollution, random-walk: the past tells the future."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .. import nn, optim
from ..data.arrays.signals import SeriesArrays
from ..data.known.catalogue import load_arrays
from ..namespace_joining import cat
from ..tensor import Tensor
from ..train import predict
from .pictures import forecasts
from .recipe import OneCycle, Settings, Task


@dataclass(frozen=True)
class SeriesSettings(Settings):
    epochs: int = 20
    batch_size: int = 64
    lr: float = 3e-3             # highest rate of the schedule, per update
    decay: float = 1e-2          # of weights per update, times the rate
    hidden: int = 32             # units of the LSTM
    window: int = 48             # rows that are seen
    horizon: int = 12            # rows that are told, all at once
    stride: int = 1              # rows between the beginnings of two windows of the training part
    test_rows: int = 0           # at the end of the series; 0: a fifth of it


class Forecaster(nn.Module):
    """An LSTM over the window, beside a linear map of it; both speak of changes from the last row.

    Shape   x (B, T, n), the quantity to tell first -> (B, horizon)
    """

    def __init__(self, columns: int, window: int, hidden: int, horizon: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(columns, hidden, batch_first=True)
        self.out = nn.Linear(hidden + window + columns, horizon)
        nn.init.zeros_(self.out.weight)                  # the first forecast: it stays as it is
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        last = x[:, -1, :1]                                              # (B, 1)
        changes = x[:, :, 0] - last                                      # (B, T)
        seen = cat([changes.unsqueeze(-1), x[:, :, 1:]], -1)             # (B, T, n)
        state = self.lstm(seen)[0][:, -1]                                # (B, hidden)
        told: Tensor = last + self.out(cat([state, changes, x[:, -1]], -1))
        return told


class _Forecast(OneCycle, abstract=True):
    """Windows of a series; scored in its own units.

    column   what to tell; the others are seen, too
    logs     work on logarithms: changes of a series that grows by shares
    phase    also show where in the season a row stands
    """

    metrics = ("mae",)
    clip_norm = 1.0
    column: ClassVar[str | None] = None
    logs: ClassVar[bool] = False
    phase: ClassVar[bool] = True

    def series(self, folder: Path | None) -> SeriesArrays:
        """The series itself."""
        found: SeriesArrays = load_arrays(self.name, folder)
        return found

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        series = self.series(folder)
        names = list(series.names)
        at = 0 if self.column is None else names.index(self.column)
        told = series.values[:, at]                                      # (T,)
        cut = len(told) - (s.test_rows or len(told) // 5)
        longest = cut - s.horizon
        self.demand(0 < s.window <= longest, "window", "the window is longer than the series",
                    f"window of 1 to {longest}: the rows before the test part, less the horizon")
        seen = filled(np.column_stack([told, np.delete(series.values, at, 1)]))
        if self.logs:
            seen[:, 0] = np.log(seen[:, 0])
        mean, scale = seen[:cut].mean(0), seen[:cut].std(0)
        seen = (seen - mean) / scale
        if self.phase:
            turn = 2 * np.pi * np.arange(len(told)) / series.season
            seen = np.column_stack([seen, np.sin(turn), np.cos(turn)])
        begins = np.arange(s.window, len(told) - s.horizon + 1)          # of what is told
        begins = begins[~np.isnan(ahead(told, begins, s.horizon)).any(1)]
        train = begins[begins + s.horizon <= cut][::s.stride]
        test = begins[begins >= cut]
        pair = lambda at: (ahead(seen, at - s.window, s.window).astype(np.float32),
                           ahead(seen[:, 0], at, s.horizon).astype(np.float32))
        return Task(pair(train), pair(test), extra={
            "told": told, "test": test, "season": series.season, "mean": mean[0],
            "scale": scale[0], "naive": seasonal_naive_error(told[:cut], series.season)})

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return Forecaster(task.train[0].shape[2], s.window, s.hidden, s.horizon)

    def loss(self) -> Any:
        return nn.L1Loss()                               # what MASE measures

    def optimizer(self, model: Any) -> Any:
        return optim.AdamW(model.parameters(), lr=self.set.lr,
                           weight_decay=self.set.decay)  # type: ignore[attr-defined]

    def forecast(self, model: Any, task: Task) -> np.ndarray:
        """What the model tells of the test part, (N, horizon), in units of the series."""
        e = task.extra
        told: np.ndarray = predict(model, task.test[0]) * e["scale"] + e["mean"]
        return np.exp(told) if self.logs else told

    def score(self, model: Any, task: Task) -> dict[str, float]:
        return self._scored(self.forecast(model, task), task)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """Both say what was: a season ago, and just now."""
        told, test, horizon = task.extra["told"], task.extra["test"], task.test[1].shape[1]
        known = filled(told[:, None])[:, 0]
        now = np.repeat(known[test - 1][:, None], horizon, 1)
        found = {"persistence": self._scored(now, task)}
        if task.extra["season"] > 1:
            before = ahead(known, test - task.extra["season"], horizon)
            found["seasonal naive"] = self._scored(before, task)
        return found

    def _scored(self, said: np.ndarray, task: Task) -> dict[str, float]:
        e = task.extra
        error = float(np.abs(said - ahead(e["told"], e["test"], said.shape[1])).mean())
        return {"mae": error, "mase": error / e["naive"]}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        """The last forecasts that do not overlap."""
        e, said = task.extra, self.forecast(model, task)
        horizon = said.shape[1]
        rows = np.arange(len(said))[::-1][::horizon][::-1][-max(4, 96 // horizon):]
        return [forecasts(e["told"], e["test"][rows], said[rows], e["season"],
                          folder / "forecast.png")]


def filled(values: np.ndarray) -> np.ndarray:
    """Gaps (NaN) bridged by straight lines. Shape (T, n) -> (T, n), a copy."""
    out = np.array(values, np.float64)
    rows = np.arange(len(out))
    for column in out.T:
        gaps = np.isnan(column)
        column[gaps] = np.interp(rows[gaps], rows[~gaps], column[~gaps])
    return out


def ahead(values: np.ndarray, begins: np.ndarray, count: int) -> np.ndarray:
    """`count` rows from each beginning on. Shape (T, ...), (N,) -> (N, count, ...)."""
    return values[begins[:, None] + np.arange(count)]


def seasonal_naive_error(values: np.ndarray, season: int) -> float:
    """How far a value is from that a season before, on average: what MASE divides by.

    Source  Hyndman and Koehler 2006, doi:10.1016/j.ijforecast.2006.03.001
    """
    return float(np.nanmean(np.abs(values[season:] - values[:-season])))


@dataclass(frozen=True)
class AirlineSettings(SeriesSettings):
    epochs: int = 150
    batch_size: int = 16
    hidden: int = 16
    window: int = 24             # two years
    test_rows: int = 24          # the last two years


class Airline(_Forecast):
    """Passengers of the next twelve months."""

    name = "airline"
    summary = "airline passengers, twelve months ahead"
    settings = AirlineSettings
    promise = ("mase", 0.6)
    logs = True


@dataclass(frozen=True)
class TemperatureSettings(SeriesSettings):
    epochs: int = 12
    window: int = 28
    horizon: int = 7


class Temperatures(_Forecast):
    """The coldest hour of each of the next seven days in Melbourne."""

    name = "temperatures"
    summary = "daily minimum temperatures, a week ahead"
    settings = TemperatureSettings
    promise = ("mase", 0.68)


class Sunspots(_Forecast):
    """Sunspots of the next twelve months; their season of eleven years is not regular."""

    name = "sunspots"
    summary = "monthly sunspots, a year ahead"
    settings = SeriesSettings
    promise = ("mase", 0.75)
    phase = False


@dataclass(frozen=True)
class PollutionSettings(SeriesSettings):
    epochs: int = 5
    horizon: int = 24
    stride: int = 3              # hours: neighbouring windows have little new to tell


class Pollution(_Forecast):
    """Fine dust in Beijing over the next day, from dust and weather of two days."""

    name = "pollution"
    summary = "fine dust in Beijing, a day ahead, hour by hour"
    settings = PollutionSettings
    promise = ("mase", 0.7)
    column = "pm2.5"


@dataclass(frozen=True)
class WalkSettings(SeriesSettings):
    epochs: int = 10
    window: int = 24
    horizon: int = 1
    volatility: float = 0.01     # of the logarithm per day: shares of large companies
    rows: int = 4000             # days


class RandomWalk(_Forecast):
    """A share price whose changes cannot be known: nothing is better than saying it stays."""

    name = "random-walk"
    summary = "a simulated share price: no network beats persistence"
    settings = WalkSettings
    promise = ("mase", 1.08)
    logs, phase = True, False

    def series(self, folder: Path | None) -> SeriesArrays:
        s: Any = self.set
        self.demand(s.volatility > 0, "volatility", "the price never moves", "volatility above 0")
        steps = np.random.Generator(np.random.Philox(key=1)).normal(0, s.volatility, s.rows)
        times = np.datetime64("2000-01-01T00:00:00", "s") + np.arange(s.rows) * 86_400
        return SeriesArrays("random-walk", times, 100 * np.exp(np.cumsum(steps))[:, None],
                            ("price",), Path(), season=1)
