"""Encoder and decoder over symbols: what is read, learned, written and refused."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsrnn import EarlyStopping, Seq2SeqTransducer
from tsrnn.data.pairs import Pairs, ends_of_buckets, to_write
from tsrnn.data.vocabulary import Vocabulary
from tsrnn.data.windows import Geometry
from tsrnn.functions.symbols import END, START, UNKNOWN
from tsrnn.networks import memory
from tsrnn.networks.network import Network, Source
from tsrnn.networks.search import beam_search, log_softmax
from tsrnn.training.plan import plan_pairs

from .backends import compiled

pytestmark = compiled

SMALL = {"hidden_size": 4, "embedding_size": 3, "max_epochs": 2, "random_state": 0, "dtype": "float64"}
WORDS = ["ab", "ba", "abc", "c", "bca", "cab"]
#: An encoder of two directions.
BOTH = {"bidirectional": True, "num_layers": 2}


def fitted(sources=WORDS, targets=None, **options):
    targets = [word[::-1] for word in sources] if targets is None else targets
    return Seq2SeqTransducer(**SMALL | {"tokenize": "char"} | options).fit(sources, targets)


# ---------------------------------------------------------------- what is read
def test_a_vocabulary_is_in_the_order_of_first_occurrence():
    vocabulary = Vocabulary.of("tobeornottobe", min_count=2)
    assert vocabulary.symbols == ("t", "o", "b", "e")
    assert vocabulary.encode("not").tolist() == [UNKNOWN, 4, 3]
    assert len(vocabulary) == 7


def test_rows_of_pairs():
    sources, targets = [np.array([5, 6, 7]), np.array([8])], [np.array([3]), np.array([4, 5])]
    pairs = Pairs.of(sources, targets)
    assert pairs.geometry == Geometry(4, 3)
    assert_array_equal(pairs.order, [0, 1])
    assert_array_equal(pairs.rows[:, 0], [5, 6, 7, START, 3, END, 0, 8, START, 4, 5, END])
    assert_array_equal(pairs.weight[:, 0], [0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1])
    ((_, windows),) = pairs.buckets.parts
    assert_array_equal(windows.target, [4, 9])
    assert_array_equal(windows.target - windows.start, [4, 2])
    rows, windows, geometry = to_write(sources, 5, 2)
    assert_array_equal(rows[:, 0], [5, 6, 7, START, 0, 0, 8, START, 0, 0])
    assert geometry == Geometry(5, 2)
    assert_array_equal(windows.length, [5, 3])


def test_buckets_hold_each_pair_once():
    rng = np.random.default_rng(0)
    sources, targets = ([rng.integers(3, 9, n) for n in rng.integers(1, 12, 40)] for _ in range(2))
    pairs = Pairs.of(sources, targets, 10)
    assert sorted(pairs.order) == [*range(40)]
    assert len(pairs.buckets.parts) > 2
    k = 0
    for geometry, windows in pairs.buckets.parts:
        for start, target, _ in zip(windows.start, windows.target, windows.length, strict=True):
            i = pairs.order[k]
            assert_array_equal(pairs.rows[start:target, 0], [*sources[i], START])
            end = target + len(targets[i])
            assert_array_equal(pairs.rows[target : end + 1, 0], [*targets[i], END])
            assert pairs.weight[target : target + geometry.n_outputs].sum() == 1 + len(targets[i])
            k += 1
    chosen = np.array([0, 5, 39])
    starts = np.concatenate([windows.start for _, windows in pairs.buckets.parts])
    taken = pairs.buckets.take(chosen)
    assert len(taken) == 3
    assert_array_equal(np.concatenate([windows.start for _, windows in taken.parts]), starts[chosen])


def test_buckets_go_by_lengths():
    """At half the length at the latest, and at 0.8 of it from `least` pairs on."""
    assert ends_of_buckets(np.array([100, 9, 8, 7, 5, 4]), 2) == [1, 3, 5, 6]
    assert ends_of_buckets(np.array([10, 9, 8, 7, 6, 5]), 9) == [6]
    assert ends_of_buckets(np.array([10, 10, 8, 8, 7, 5, 4]), 2) == [4, 6, 7]


def test_the_loss_does_not_depend_on_buckets():
    rng = np.random.default_rng(0)
    sources, targets = ([rng.integers(3, 6, n) for n in rng.integers(1, 9, 30)] for _ in range(2))
    network = fitted().network_
    theta, totals = fitted().theta_, []
    for least in (None, 4):
        pairs = Pairs.of(sources, targets, least)
        assert (len(pairs.buckets.parts) == 1) is (least is None)
        source = Source.upload(network.backend, pairs.rows, pairs.rows, pairs.weight)
        total = np.zeros(2)
        for geometry, windows in pairs.buckets.parts:
            work = network.workspace(geometry, 8, loss=network.architecture.loss)
            total += network.evaluate(work, theta, source, windows, free_run=False)
        totals.append(total)
    assert totals[0][1] == sum(1 + len(target) for target in targets)
    assert_allclose(totals[0], totals[1], rtol=1e-12)


# ---------------------------------------------------------------- what is learned
@pytest.mark.parametrize(
    ("attention", "bidirectional"),
    [(None, False), ("dot", False), ("general", False), ("additive", False), (None, True), ("general", True),
     ("additive", True)],
)  # fmt: skip
def test_it_learns_to_turn_words_round(attention, bidirectional):
    options = {"attention": attention, "bidirectional": bidirectional}
    transducer = fitted(**options, hidden_size=16, max_epochs=150, learning_rate=0.02)
    assert transducer.predict(WORDS) == [word[::-1] for word in WORDS]
    assert transducer.score(WORDS, [word[::-1] for word in WORDS]) == 1
    assert transducer.score(WORDS, WORDS) < 1
    assert transducer.loss_curve_[-1] < 0.1 < transducer.loss_curve_[0]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "slstm"])
def test_cells_and_layers(cell, bidirectional):
    transducer = fitted(cell=cell, num_layers=2, decoder_layers=1, dropout=0.1, bidirectional=bidirectional)
    assert transducer.network_.architecture.cell.name.startswith(cell)
    assert transducer.network_.architecture.decoder.num_layers == 1
    assert len(transducer.predict(["ab"])) == 1


def test_the_decoder_begins_with_the_mean_of_both_directions():
    transducer = fitted(**BOTH, cell="lstm", learning_rate=1e-30, max_epochs=1)
    a = transducer.network_.architecture
    bridge, copied = a.views(transducer.theta_)["bridge"], np.kron(np.eye(2), [[0.5, 0.5]])
    assert_allclose(bridge[:, :, 1:], [np.kron(copied, np.eye(4))] * 2, atol=1e-20)
    assert {"backward1.product0", "decoder1.product0"} < set(a.entries)


def test_symbols_may_be_anything_hashable():
    sources, targets = [[1, (2, 3)], [1.5], [None is None, "x"]], [["a"], ("b", 2), np.array([7, 8])]
    transducer = fitted(sources, targets, hidden_size=16, max_epochs=200, learning_rate=0.02)
    assert transducer.predict(sources) == [["a"], ["b", 2], [7, 8]]
    assert transducer.source_symbols_ == [1, (2, 3), 1.5, "x"]  # True is 1, as in a dict


def test_words_and_functions_divide_strings():
    transducer = Seq2SeqTransducer(**SMALL).fit(["good  day", "day"], ["guten Tag", "Tag"])
    assert transducer.source_symbols_ == ["good", "day"]
    assert set(" ".join(transducer.predict(["day good"])).split()) <= {"guten", "Tag"}
    transducer = fitted(["a-b"], ["c-d-e"], tokenize=lambda text: text.split("-"))
    assert transducer.target_symbols_ == ["c", "d", "e"]
    learns = {"hidden_size": 16, "max_epochs": 150, "learning_rate": 0.02}
    transducer = fitted(tokenize=lambda text: list(text), **learns)
    assert transducer.predict(["abc"]) == ["cba"]  # nothing stands between characters
    transducer = fitted(tokenize=lambda text: [ord(letter) for letter in text], **learns)
    assert transducer.score(WORDS, [word[::-1] for word in WORDS]) == 1  # of the symbols, however they are joined
    assert list(transducer.attention_weights(["ab"])[0].index) == [98, 97, "<end>"]
    before = fitted().predict(WORDS)
    assert fitted().set_params(tokenize="word").predict(WORDS) == before  # the fit decides


def test_a_target_may_be_empty():
    transducer = fitted(["a", "b"], ["", "b"], hidden_size=16, max_epochs=150, learning_rate=0.02)
    assert transducer.predict(["a", "b"]) == ["", "b"]


def test_shared_vectors():
    own, shared = fitted(), fitted(share_embeddings=True)
    assert set(own.network_.architecture.entries) - set(shared.network_.architecture.entries) == {"target_symbols"}
    assert shared.source_symbols_ == shared.target_symbols_
    assert fitted(["ab"], ["bc"], share_embeddings=True).source_symbols_ == ["a", "b", "c"]


def test_unknown_symbols():
    """What the fit did not see has the mean vector; with rare symbols the fit learns one for the unknown."""
    transducer = fitted()
    tables = transducer.network_.architecture.views(transducer.theta_)
    for name in ("symbols", "target_symbols"):
        assert_allclose(tables[name][UNKNOWN], tables[name][END + 1 :].mean(axis=0), rtol=1e-14)
    assert transducer.predict(["xyz"]) == transducer.predict(["q!?"])
    transducer = fitted(["ab", "ax", "ab"], ["ab", "ay", "ab"], min_count=2)
    assert (transducer.source_symbols_, transducer.target_symbols_) == (["a", "b"], ["a", "b"])
    table = transducer.network_.architecture.views(transducer.theta_)["symbols"]
    assert np.abs(table[UNKNOWN] - table[END + 1 :].mean(axis=0)).max() > 1e-6


def test_an_unknown_symbol_that_is_never_written_is_not_judged():
    pairs = Pairs.of([np.array([7]), np.array([7, 8])], [np.array([7, UNKNOWN, 8]), np.array([UNKNOWN])])
    numbers, stopping = (np.array([0]), np.array([1])), EarlyStopping()
    judged = {
        flag: plan_pairs(pairs, *numbers, stopping, judges_unknown=flag).held_out.weight for flag in (True, False)
    }
    assert_array_equal(judged[True], pairs.weight)
    assert_array_equal(judged[False], pairs.weight * (pairs.rows != UNKNOWN))
    assert judged[True].sum() - judged[False].sum() == 2


@pytest.mark.parametrize("refits", [False, True])
def test_nothing_is_learned_of_held_out_symbols(refits):
    """Unless the network is trained once more on all pairs."""
    stopping = EarlyStopping(validation_size=2, refit_full=refits)
    held_out, _ = Seq2SeqTransducer(**SMALL, early_stopping=stopping)._split(20)
    words = ["x" if i in held_out else "ab" for i in range(20)]
    transducer = fitted(words, words, early_stopping=stopping)
    assert sorted(transducer.source_symbols_) == ["a", "b", *(["x"] if refits else [])]
    table = transducer.network_.architecture.views(transducer.theta_)["symbols"]
    assert_allclose(table[UNKNOWN], table[END + 1 :].mean(axis=0), rtol=1e-14)


def test_held_out_pairs_stop_the_training():
    words = ["".join(letters) for letters in product("abc", repeat=3)]
    transducer = fitted(words, words, max_epochs=5, early_stopping=EarlyStopping(validation_size=9))
    assert len(transducer.validation_curve_) == 6
    assert transducer.validation_curve_[transducer.best_epoch_] == transducer.validation_curve_.min()


@pytest.mark.parametrize("both", [False, True])
def test_a_warm_start_goes_on(both):
    whole = fitted(max_epochs=1, bidirectional=both).set_params(warm_start=True)
    before = whole.theta_.copy()
    whole.fit(["cb"], ["bc"])
    assert whole.source_symbols_ == ["a", "b", "c"]
    assert 0 < np.abs(whole.theta_ - before).max() < 0.1
    with pytest.raises(ValueError, match=r"warm_start=True goes on .* and sources has 'x', which is"):
        whole.fit(["ax"], ["a"])
    with pytest.raises(TypeError, match="sources holds lists of symbols, but in fit it held strings"):
        whole.fit([["a"]], [["a"]])
    with pytest.raises(ValueError, match="use the same bidirectional, or warm_start=False"):
        whole.set_params(bidirectional=not both).fit(WORDS, WORDS)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"share_embeddings": True}, "share_embeddings"),
        ({"attention": None}, "attention"),
        ({"decoder_layers": 2, "bidirectional": True}, "decoder_layers"),
        ({"decoder_layers": 2}, "decoder_layers"),
        ({"hidden_size": 5, "embedding_size": 7}, "hidden_size, embedding_size"),
        ({"num_layers": 2, "cell": "lstm"}, "cell with its options, num_layers, decoder_layers"),
        ({"learn_initial_state": True}, "learn_initial_state"),
    ],
)
def test_a_warm_start_names_what_differs(options, named):
    """Also where a shared vocabulary would have other symbols."""
    before = {name: Seq2SeqTransducer().get_params()[name] for name in options if name != "bidirectional"}
    before |= {"hidden_size": 6, "embedding_size": 4} if "hidden_size" in options else {}
    for first, then in ((before, options), (options, before)):
        both = {"max_epochs": 1, "bidirectional": options.get("bidirectional", False)}
        warm = fitted(["ab", "b"], ["xy", "x"], **both | first).set_params(warm_start=True)
        with pytest.raises(ValueError, match=f"use the same {named}, or warm_start=False"):
            warm.set_params(**then).fit(["ab", "b"], ["xy", "x"])


def test_a_warm_start_keeps_the_smoothing():
    warm = fitted(["ab", "b"], ["xy", "x"], max_epochs=1).set_params(warm_start=True, label_smoothing=0.1)
    with pytest.raises(
        ValueError, match=r"the label_smoothing=0\.0 of the earlier fit, not with label_smoothing=0\.1, "
    ):
        warm.fit(["ab", "b"], ["xy", "x"])


@pytest.mark.parametrize("both", [False, True])
def test_a_fit_is_repeated_bit_for_bit(both):
    words = ["".join(letters) for letters in product("abc", repeat=3)] * 20  # some buckets
    options = {"batch_size": 16, "teacher_forcing": 0.5, "num_layers": 2, "dropout": 0.2, "bidirectional": both}
    one, other = fitted(words, **options), fitted(words, **options)
    assert_array_equal(one.theta_, other.theta_)
    assert_array_equal(pickle.loads(pickle.dumps(one)).theta_, one.theta_)
    assert one.predict(["abc"]) == other.predict(["abc"])


# ---------------------------------------------------------------- what is written
def log_probability(transducer, source, target):
    """Of a target and its end, by reading it."""
    vocabularies = transducer._codings
    codes = vocabularies[0].encode(source), vocabularies[1].encode(target)
    pairs, network = Pairs.of([codes[0]], [codes[1]]), transducer.network_
    outputs = network.predict(
        transducer.theta_, Source.upload(network.backend, pairs.rows), pairs.buckets.parts[0][1], pairs.geometry,
        free_run=False,
    )  # fmt: skip
    logarithms = log_softmax(outputs.reshape(len(target) + 1, -1))
    return sum(logarithms[k, code] for k, code in enumerate([*codes[1], END]))


def test_a_wide_beam_finds_all_targets():
    transducer = fitted(["ab", "ba", "a"], max_epochs=30, learning_rate=0.03, max_length=2)
    transducer.set_params(beam_width=16, length_penalty=0.0)
    for source in ("ab", "b"):
        (found,) = transducer.predict_n_best([source])
        targets = ["".join(letters) for n in range(3) for letters in product("ab", repeat=n)]
        assert sorted(target for target, _ in found) == sorted(targets)
        for target, value in found:
            assert value == pytest.approx(log_probability(transducer, source, target), rel=1e-10)
        logarithms = [value for _, value in found]
        assert logarithms == sorted(logarithms, reverse=True)


def test_the_length_penalty_orders_targets():
    transducer = fitted(["ab", "ba", "a"], max_epochs=3, beam_width=8, max_length=3)
    for penalty in (0.0, 0.6, 5.0):
        (found,) = transducer.set_params(length_penalty=penalty).predict_n_best(["ab"])
        scores = [value / ((5 + len(target) + 1) / 6) ** penalty for target, value in found]
        assert scores == sorted(scores, reverse=True)
    assert len(found[0][0]) == 3


@pytest.mark.parametrize("options", [{}, {"cell": "lstm", "num_layers": 2}, {"attention": None}, BOTH], ids=str)
def test_a_beam_of_one_is_greedy(options):
    transducer = fitted(max_epochs=20, learning_rate=0.03, **options)
    greedy = transducer.predict_n_best(WORDS)
    codes = [transducer._codings[0].encode(word) for word in WORDS]
    rows, windows, geometry = to_write(codes, 16, 1 + transducer.max_length_)
    network = transducer.network_
    beam = beam_search(network, transducer.theta_, Source.upload(network.backend, rows), windows, geometry, 1, 0.6)
    assert_allclose(beam.log_probability[:, 0], [value for ((_, value),) in greedy], rtol=1e-12)
    symbols = [transducer._codings[1].decode(own[0][: np.argmax(own[0] == END)]) for own in beam.codes]
    assert ["".join(own) for own in symbols] == transducer.predict(WORDS)


@pytest.mark.parametrize("options", [{}, BOTH], ids=str)
def test_the_probability_is_that_of_the_target(options):
    transducer = fitted(max_epochs=20, learning_rate=0.03, beam_width=3, **options)
    for word, found in zip(WORDS, transducer.predict_n_best(WORDS), strict=True):
        for target, value in found:
            assert value == pytest.approx(log_probability(transducer, word, target), rel=1e-10)


@pytest.mark.parametrize("options", [{}, BOTH, BOTH | {"attention": None}], ids=str)
@pytest.mark.parametrize("width", [1, 3])
def test_what_is_written_does_not_depend_on_other_sources(width, options):
    transducer = fitted(max_epochs=20, learning_rate=0.03, beam_width=width, **options)
    many = [*WORDS, "abcabcabcabcabcabcabc", "b"] * 40
    together = transducer.predict_n_best(many)
    assert together[:8] == [transducer.predict_n_best([word])[0] for word in many[:8]]
    assert together[8:16] == together[:8]


def test_what_needs_too_much_memory(monkeypatch):
    transducer = fitted()
    monkeypatch.setattr(memory, "machine_bytes", lambda: 10**9)
    for options in ({"beam_width": 10**7}, {"max_length": 10**9, "beam_width": 1}):
        with pytest.raises(ValueError, match=r"take at least .* make beam_width or max_length smaller"):
            transducer.set_params(**options).predict(["ab"])


def test_the_longest_target():
    transducer = fitted(["ab", "b"], ["bbb", "bb"], max_epochs=1)
    assert transducer.max_length_ == 3
    assert all(len(target) <= 3 for target in transducer.predict(WORDS))
    written = transducer.set_params(max_length=30).predict(WORDS)
    assert max(map(len, written)) <= 30
    with pytest.raises(ValueError, match=r"targets\[1\] has 4 symbols, but max_length=3; use max_length=4 or None"):
        fitted(["a", "b"], ["a", "abcd"], max_length=3)


@pytest.mark.parametrize("options", [{}, BOTH], ids=str)
def test_attention_weights(options):
    transducer = fitted(attention="general", max_epochs=20, learning_rate=0.03, **options)
    tables = transducer.attention_weights(WORDS)
    for word, written, table in zip(WORDS, transducer.predict(WORDS), tables, strict=True):
        assert list(table.index) == [*written, "<end>"]
        assert list(table.columns) == [*word, "<start>"]
        assert_allclose(table.sum(axis=1), 1, rtol=1e-12)
    (alone,) = transducer.attention_weights(["abc"])
    assert_allclose(alone, tables[2], rtol=1e-12)
    (given,) = transducer.attention_weights(["abc"], ["cc"])
    assert list(given.index) == ["c", "c", "<end>"]
    with pytest.raises(ValueError, match="attention=None"):
        fitted(attention=None).attention_weights(WORDS)


def test_attention_weights_of_a_long_pair(monkeypatch):
    """It pads no other, and each table is that of its pair."""
    transducer, rooms, room = fitted(), [], Network.some_room
    sources, targets = ["ab", "c" * 40, "ba", "cab"], ["b", "a" * 30, "", "bac"]
    alone = [transducer.attention_weights([s], [t])[0] for s, t in zip(sources, targets, strict=True)]

    def recorded(self, geometry, n_lanes, **options):
        rooms.append((geometry.n_steps, n_lanes))
        return room(self, geometry, n_lanes, **options)

    monkeypatch.setattr(Network, "some_room", recorded)
    for table, expected in zip(transducer.attention_weights(sources, targets), alone, strict=True):
        pd.testing.assert_frame_equal(table, expected, rtol=1e-12)
    assert {n for steps, n in rooms if steps > 40} == {1}


# ---------------------------------------------------------------- manners
def test_manners():
    transducer = Seq2SeqTransducer(beam_width=2)
    assert clone(transducer).get_params() == transducer.get_params()
    assert "scaling" not in transducer.get_params()
    assert repr(transducer) == "Seq2SeqTransducer(beam_width=2)"
    with pytest.raises(NotFittedError):
        transducer.predict(["a"])
    frame = pd.DataFrame({"source": WORDS, "target": WORDS})
    assert fitted(frame["source"], frame["target"]).predict(frame["source"]) == fitted(WORDS, WORDS).predict(WORDS)
    assert_array_equal(fitted(np.array(WORDS)).theta_, fitted().theta_)


def test_a_fit_that_fails_changes_nothing():
    transducer = fitted()
    before = transducer.theta_.copy()
    with pytest.raises(ValueError, match="empty"):
        transducer.fit([""], ["a"])
    assert_array_equal(transducer.theta_, before)


REFUSED = {
    "a string": ("abc", ["a"], TypeError, r"sources='abc' must be a list .* pass \['abc'\]"),
    "nothing": ([], [], ValueError, "sources holds no sequence"),
    "empty": (["a", ""], ["a", "b"], ValueError, r"sources\[1\]='' is an empty sequence"),
    "numbers": ([1, 2], ["a", "b"], TypeError, r"sources\[0\]=1 must be a sequence"),
    "mixed": (["a", ["b"]], ["a", "b"], TypeError, r"sources\[1\] is a list, but sources\[0\] is a string"),
    "unhashable": ([["a", {}]], ["a"], TypeError, r"sources\[0\] has \{\} at step 1"),
    "missing": ([["a", float("nan")]], ["a"], ValueError, r"sources\[0\] is missing at step 1"),
    "None": ([["a"]], [[None]], ValueError, r"targets\[0\] is missing at step 0"),
    "lengths": (["a", "b"], ["a"], ValueError, "sources holds 2 sequences and targets 1"),
    "frame": (pd.DataFrame({"a": ["b"]}), ["a"], TypeError, "sources is a DataFrame"),
    "set": (["a"], {"b"}, TypeError, "targets is a set"),
    "no symbol": (["a"], [""], ValueError, "there is no symbol in targets"),
}


@pytest.mark.parametrize(("sources", "targets", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(sources, targets, error, message):
    with pytest.raises(error, match=message):
        fitted(sources, targets)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"beam_width": 0}, ValueError, "beam_width=0 must be at least 1"),
        ({"length_penalty": -1}, ValueError, "length_penalty=-1"),
        ({"length_penalty": 10}, ValueError, "length_penalty=10"),
        ({"tokenize": "letters"}, ValueError, "tokenize='letters' is not known"),
        ({"attention": "self"}, ValueError, "attention='self'"),
        ({"bidirectional": "yes"}, TypeError, "bidirectional='yes'"),
        ({"bidirectional": True, "attention": "dot"}, ValueError, "use attention='general' or 'additive'"),
        ({"cell": "cnn"}, ValueError, "cell='cnn'"),
        ({"embedding_size": 0}, ValueError, "embedding_size=0"),
        ({"min_count": 9}, ValueError, "min_count=9 leaves no symbol in sources"),
        ({"max_length": 0}, ValueError, "max_length=0"),
        ({"teacher_forcing": 1.5}, ValueError, "teacher_forcing=1.5"),
        ({"label_smoothing": 1.0}, ValueError, "label_smoothing=1.0"),
        ({"early_stopping": EarlyStopping(validation=[1])}, ValueError, "validation"),
    ],
    ids=str,
)
def test_arguments(options, error, message):
    with pytest.raises(error, match=message):
        fitted(**options)


def test_another_kind_than_in_the_fit():
    transducer = fitted()
    with pytest.raises(TypeError, match="sources holds lists of symbols, but in fit it held strings"):
        transducer.predict([["a"]])
    with pytest.raises(TypeError, match="targets holds lists"):
        transducer.score(["a"], [["a"]])
    with pytest.raises(ValueError, match="metric='loss'"):
        transducer.score(["a"], ["a"], metric="loss")


def test_networks_of_one_symbol():
    """One symbol and an end: how often the symbol is written is what there is to learn."""
    transducer = fitted(["a", "aa"], ["b", "bb"], hidden_size=8, max_epochs=200, learning_rate=0.02)
    assert transducer.predict(["a", "aa"]) == ["b", "bb"]
    assert isinstance(transducer.network_, Network)
