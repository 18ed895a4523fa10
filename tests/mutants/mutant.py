"""Description of a mutant, and the tests that run with it."""

from __future__ import annotations

from dataclasses import dataclass

EQUATIONS, KERNELS, ENGINE = "tests/test_equations.py", "tests/test_kernels.py", "tests/test_networks.py"
DECODER, SEQ2SEQ = "tests/test_decoder.py", "tests/test_seq2seq.py"
STATIC, DECAY = "tests/test_static.py", "tests/test_decay.py"
AUTOREGRESSION, MISSING_LAGS = "tests/test_autoregressive.py", "tests/test_missing_lags.py"
FORECASTERS, LATENT = "tests/test_forecasters.py", "tests/test_latent.py"
LIKELIHOODS, BASELINES = "tests/test_likelihoods.py", "tests/test_baselines.py"
GAPS, EDGES = "tests/test_gaps.py", "tests/test_edges.py"
PROMISES, TRAINING, PRECISION = "tests/test_promises.py", "tests/test_training.py", "tests/test_precision.py"
CUDA, ENSEMBLE = "tests/test_cuda.py", "tests/test_ensemble.py"
TAGGERS = "tests/test_taggers.py"
ORIGINS, RECENT_ERRORS = "tests/test_origins.py", "tests/test_recent_errors.py"
SCALING, TRANSFORMS = "tests/test_scaling.py", "tests/test_transforms.py"
#: Selections (``-k``) from test files that are too long to run for each mutant.
CHOSEN = {
    FORECASTERS: "tail_reaches or tail_only or update_equals or linear_start or every_step or only_the_context or "
    "any_horizon",
    LIKELIHOODS: "derivatives or extreme or rising or family or autoregression or begin_alike or order or scipys or "
    "true_ones",
    SEQ2SEQ: "bridge_starts or as_often_as_asked",
    CUDA: "too_little or over_tiles or interrupted or fit_is and recursive or lstm and shared and registers and 2 or "
    "before and two and 2 and not L2 or relu and registers and 4",
    f"{CUDA} ptx": "every_layout and gru and before and (registers or two) and 2 and not L2 or bits",
    GAPS: "forecast_over or each_column or inside or knows_of or own_gap or fill or grow or joint",
    ENSEMBLE: "combined or remainders or test_context or update_is or a_member_that_fails",
    TAGGERS: "loss_is_that or ignored_change or up_to_its_own",
    ORIGINS: "together_equals and direct and (series or panel)",
    LATENT: "joint_distribution or em_never or score_is or quantiles_intervals",
}


@dataclass(frozen=True)
class Mutant:
    """Replace the code `old` by `new` in ``at``; one of `tests` must fail, on a `device` as in TSRNN_TEST_DEVICE.

    ``at`` is ``file::function``, the function by the end of its dotted name (``file::`` for the whole file). The code
    is a pattern of `match`, which must match once.
    """

    name: str
    at: str
    old: str
    new: str
    tests: tuple[str, ...]
    device: str = "cpu"


def mutant(name: str, at: str, old: str, new: str, *tests: str) -> Mutant:
    """One row of the table of mutants."""
    return Mutant(name, at, old, new, tests)
