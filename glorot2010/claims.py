"""The ledger: every claim of the paper, of the notes about it, and of this book, and its verdict.

A `Claim` says what is claimed, which number decides, and by which rule: written down before the
records that it judges. It holds no verdict. A verdict comes out of a judge, from a computation made
now (`glorot2010.judges`) or from records of runs (`glorot2010.trials`), and where there is no
record the ledger says "not run" and how to make one. Ids are S for notes on the paper and on
initialization, P for the paper and C for this book; they stay.

Errors are in percent. Comparisons are paired: the two arms share seeds, streams and thereby
images, the learning rate of each was chosen on other seeds where it is not given, and intervals
are 95 % t intervals over seeds. A rule that an interval straddles gives "undecided". "Never" means
not within the horizon.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from glorot2010 import judges, records, trials

# Where claims are read, so are the types in which they are judged.
from glorot2010.judging import Evidence as Evidence
from glorot2010.judging import Judge as Judge
from glorot2010.judging import Judgement as Judgement
from glorot2010.judging import Verdict as Verdict
from glorot2010.trials import CHANCE, COLLAPSED, MARGIN, OPEN
from xavier import checks

_BOOK = "book: hidden layers of 200 units, 5 fresh seeds"
_WIDE = "book: five hidden layers of 300 units, 5 fresh seeds"
_PAIR = "book: hidden layers of 200 units, 3 fresh seeds at each of two learning rates"
_SHORT = "100,000 updates"
_LONG = "500,000 updates"
_LONGEST = "2,500,000 updates"
_BIRTH = "before the first update"

_RATE_OF_AUTO_ENCODERS = (
    "At first the pre-trained network was the one of the experiment pretraining, whose "
    "auto-encoders learn at rate 0.03; the paper names none. Their first layer restores images "
    "worse than at a tenth of that rate, so that both are looked at and the one counts that "
    "restores better. Changed when the errors of the first were known to the horizon, and those "
    "of the second to 100,000 updates on three seeds and not at the horizon."
)


@dataclass(frozen=True)
class Claim:
    """One claim, and how it is decided.

    Attributes:
        id: S, P or C and a number.
        where: who says it, and where.
        text: the claim in our words.
        statistic: the number that decides.
        rule: which values of it mean what.
        scale: size of the networks and number of seeds.
        horizon: after how many updates.
        chapter: the chapter of this book that treats it, None if none does yet.
        needs: experiments whose records it rests on; empty if it is computed now.
        later: experiments whose records count, too, from when there are any.
        judge: what decides.
        changed: which part of the rule is another than at first, and why; empty if none.
    """

    id: str
    where: str
    text: str
    statistic: str
    rule: str
    scale: str
    horizon: str
    chapter: int | None
    needs: tuple[str, ...]
    judge: Judge
    changed: str = ""
    later: tuple[str, ...] = ()


_CLAIMS: tuple[Claim, ...] = (
    # ----------------------------------------------------------------------------------- the notes
    Claim(
        id="S1",
        where="Katanforoosh and Kunin (2019)",
        text="Hidden units of a layer whose weights all start at one constant, zero included, get "
        "equal gradients and stay equal for ever.",
        statistic="difference of two units: of their gradients for unknown activation and cost, "
        "and of their weights after updates in fractions and in 32-bit numbers",
        rule="each part holds if the difference is zero, in 32-bit numbers with sums in two "
        f"orders if it stays up to {judges.UNTIED:g}",
        scale="two rectified units, four inputs, two outputs",
        horizon="12 updates in fractions, 3,000 in 32-bit numbers",
        chapter=1,
        needs=(),
        judge=judges.s1_equal_units,
    ),
    Claim(
        id="S2",
        where="Katanforoosh and Kunin (2019)",
        text="Weights that start too small make learning slow, and weights that start too large "
        "make it diverge.",
        statistic="test error at gain 0.1 less that at gain 1, each at its best rate of four; "
        "share of the runs at gain 100 whose cost becomes no number",
        rule=f"slow if the 95 % interval is above {judges.SLOWER:g}; diverging if at least 90 % "
        "of the runs do, not if at most 10 %; for tanh and for linear units, each a part",
        scale="five hidden layers of 30 units on 8x8 digits, seeds 0 to 4",
        horizon="1,000 updates",
        chapter=3,
        needs=(),
        judge=judges.s2_small_and_large,
    ),
    Claim(
        id="S3",
        where="Katanforoosh and Kunin (2019)",
        text="In ten linear layers of which nine are 1.5 times the identity, signal and gradient "
        "grow as 1.5^9; with half the identity they shrink as 0.5^9.",
        statistic="output and gradient by the input, over those of the last layer alone; mean "
        "square after nine random matrices of gain g, over g^18",
        rule=f"equal exactly; random matrices within {judges.AGREES:g} standard errors of 1",
        scale="2x2 matrices; 40 linear networks of width 100",
        horizon=_BIRTH,
        chapter=3,
        needs=(),
        judge=judges.s3_ten_matrices,
    ),
    Claim(
        id="S4",
        where="Katanforoosh and Kunin (2019)",
        text="If activations have mean zero and the same variance in every layer, back-propagated "
        "gradients neither vanish nor explode.",
        statistic="variance of the gradient at layer 10 over that at layer 50, of tanh networks "
        "at gain 5/3, which meet both conditions; the same by algebra for linear units",
        rule=f"holds if the 95 % interval lies within a factor of {judges.KEPT:g} of 1; counted "
        f"only where means are below {judges.NO_MEAN:g} standard deviations and the variances of "
        f"the two layers within a factor of {judges.ALIKE:g}",
        scale="width 400, depth 50, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=9,
        needs=(),
        judge=judges.s4_zero_mean_equal_variance,
    ),
    Claim(
        id="S5",
        where="Katanforoosh and Kunin (2019)",
        text="Xavier initialization draws weights with variance 1/n_in.",
        statistic="difference of that variance and of the one derived from the paper's eqs. 10 "
        "and 11",
        rule="holds if it is zero for all widths, in part if for equal widths only",
        scale="symbols",
        horizon="none",
        chapter=6,
        needs=(),
        judge=judges.s5_name_of_the_rule,
    ),
    Claim(
        id="S6",
        where="Katanforoosh and Kunin (2019)",
        text="Xavier initialization suits networks of tanh or sigmoid units.",
        statistic="variance of the activations over the inputs, layer 5 over layer 1, and of the "
        "gradient, layer 1 over layer 5",
        rule="suits units for which both 95 % intervals lie within a factor of "
        f"{judges.KEPT:g} of 1",
        scale="five hidden layers of 1000 units, 300 images, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=9,
        needs=(),
        judge=judges.s6_for_which_units,
    ),
    Claim(
        id="S7",
        where="a summary of the paper",
        text="Equation 16 assumes that all layers have the same size.",
        statistic="number of sizes in the derived bound; average of n_in Var[W] and n_out Var[W] "
        "of drawn layers from 300 to 100 units",
        rule="fails if there are two sizes and the average is within "
        f"{judges.AGREES:g} standard errors of 1",
        scale="symbols; 40 layers",
        horizon="none",
        chapter=6,
        needs=(),
        judge=judges.s7_equal_sizes,
    ),
    Claim(
        id="S8",
        where="a summary of the paper; Katanforoosh and Kunin (2019)",
        text="The same derivation for rectified units gives He's variance, 2/n_in.",
        statistic="the derived variance; mean square of layer 20 over that of layer 1 in networks "
        "drawn by it",
        rule=f"holds if the algebra gives 2/n_in and the ratio is within {judges.AGREES:g} "
        f"standard errors of 1, by a sample that rejects Glorot's rule by {judges.REJECTS:g}",
        scale="40 networks of width 300",
        horizon=_BIRTH,
        chapter=6,
        needs=(),
        judge=judges.s8_rectifiers,
    ),
    Claim(
        id="S9",
        where="a summary of the paper",
        text="Normal weights would have been better than uniform ones of the same variance.",
        statistic="test error with uniform less that with normal weights, tanh, Glorot's variance",
        rule="holds if the 95 % interval is above 0; fails if all of it is below "
        f"{MARGIN:g} points; else undecided",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=6,
        needs=("distribution",),
        judge=trials.s9_normal_weights,
    ),
    Claim(
        id="S10",
        where="a second summary of the paper",
        text="The sigmoid is a symmetric activation, as tanh and softsign are.",
        statistic="f(-x) + f(x), and f(0)",
        rule="holds if both are zero, which is what the derivation needs",
        scale="symbols",
        horizon="none",
        chapter=4,
        needs=(),
        judge=judges.s10_symmetric,
    ),
    Claim(
        id="S11",
        where="a third summary of the paper",
        text="The paper's standard initialization is the one of LeCun et al. (1998).",
        statistic="n Var[W] of eq. 1 and of LeCun's rule",
        rule="holds if they are equal",
        scale="symbols",
        horizon="none",
        chapter=6,
        needs=(),
        judge=judges.s11_baseline,
    ),
    Claim(
        id="S12",
        where="a third summary of the paper",
        text="That weight gradients have one variance in all layers is due to the proposed "
        "initialization.",
        statistic="largest over smallest standard deviation of the weight gradients of the hidden "
        "layers, tanh, both rules",
        rule="layers are level if the 95 % interval of the ratio is below "
        f"{judges.ALIKE:g}; holds if they are with the proposed rule and are not with the "
        "standard one",
        scale="five hidden layers of 1000 units, 300 images, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=5,
        needs=(),
        judge=judges.s12_credit,
    ),
    Claim(
        id="S13",
        where="a third summary of the paper",
        text="Softsign units saturate faster than tanh at first, and then stabilize.",
        statistic="share of saturated units (slope below a twentieth), mean of the hidden layers, "
        "standard initialization: softsign less tanh at 80,000 updates; rise of softsign's in the "
        "second half over its whole rise",
        rule="faster if the 95 % interval of the first is above 0; stable if that of the second "
        "is below 0.25; each a part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=11,
        needs=("table1",),
        judge=trials.s13_softsign_saturates,
    ),
    Claim(
        id="S14",
        where="Katanforoosh and Kunin (2019)",
        text="From too large a start the cost oscillates around its minimum, and from too small "
        "a one it converges before the minimum.",
        statistic="share of large starts that end near the minimum and go up and down there; "
        "share of small starts, flat early on, that are still where they were at the end",
        rule="each holds if it is so for more than half of the runs: up and down means that every "
        "fourth update or more raises the cost, near means below a tenth of the cost of "
        "knowing nothing; a product of ten weights goes up and down if every fourth update or "
        "more changes sides of 1 by over a hundredth, and has ten times its predicted wait",
        scale="a product of ten weights at three stable rates; linear and tanh networks with five "
        "hidden layers of 20 units on all of 30 digits at once, three rates, two seeds",
        horizon="20,000 updates of ten weights, 3,000 of a network",
        chapter=3,
        needs=(),
        judge=judges.s14_oscillates_or_stops,
    ),
    Claim(
        id="S15",
        where="a summary of the paper",
        text="What unsupervised pre-training does is to regularize.",
        statistic="test error of standard tanh without less with pre-training, on a stream in "
        "which no image is seen twice and nothing can be overfitted; of two rates of auto-encoders "
        "that at which the first layer restores images best",
        rule=f"holds if the 95 % interval lies within {MARGIN:g} points of 0, since then nothing "
        f"is gained where there is nothing to regularize; fails if it is above {MARGIN:g} points",
        scale=_WIDE,
        horizon=_LONG,
        chapter=14,
        needs=("table1", *trials.PRETRAINED),
        judge=trials.s15_regularizer,
        changed=_RATE_OF_AUTO_ENCODERS,
    ),
    Claim(
        id="S16",
        where="a summary of the paper",
        text="Gradients vanish in these networks as they do in recurrent ones.",
        statistic="logarithm of the variance of the back-propagated gradient, layer 1 over layer "
        "5, tanh: one weight matrix used in all hidden layers but the first, less a new one in "
        "each",
        rule="holds if the 95 % interval lies within log(1.5) of 0 and fails if all of it lies "
        "outside; standard and normalized initialization, before the first update and at the "
        "horizon, each a part",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=14,
        needs=("tied",),
        judge=trials.s16_like_recurrent,
    ),
    # ----------------------------------------------------------------------------------- the paper
    Claim(
        id="P1",
        where="sec. 2.1",
        text="Images with one object alone are too easy; with two objects they are hard.",
        statistic="test error over that of the best constant answer, normalized tanh of depth 5: "
        "on one or two objects less on one object; test error on one object",
        rule="two are harder if the 95 % interval of the first is above 0.1; one is easy if that "
        "of the second is below 5 %; each a part",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=14,
        needs=("singles",),
        judge=trials.p1_two_objects,
    ),
    Claim(
        id="P2",
        where="sec. 2.3",
        text="On Shapeset the best depth is five, for the sigmoid four.",
        statistic="test error at the named depth less that at each other depth from 1 to 5, by "
        "activation, standard initialization",
        rule="holds for an activation if all four 95 % intervals are below 0, fails if one is "
        "above 0; each activation a part",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=13,
        needs=("depth",),
        judge=trials.p2_best_depth,
    ),
    Claim(
        id="P3",
        where="sec. 3.1, figure 2",
        text="In a sigmoid network of depth 4 the top hidden layer is driven to 0 almost at once.",
        statistic="mean activation of layer 4",
        rule=f"holds if the 95 % interval is below {COLLAPSED:g}, fails if it is above; the paper "
        "has 0.04 after twice as many updates; each rate a part",
        scale=_PAIR,
        horizon=_SHORT,
        chapter=10,
        needs=("fig2",),
        judge=trials.p3_top_layer,
    ),
    Claim(
        id="P4",
        where="sec. 3.1, figure 2",
        text="Meanwhile the means of the layers below are above one half, higher from layer to "
        "layer.",
        statistic="mean of layer 1 less 0.5, of layer 2 less layer 1, of layer 3 less layer 2, at "
        f"the first measurement at which layer 4 is below {COLLAPSED:g} in all seeds",
        rule="each of the three holds if its 95 % interval is above 0 and fails if it is below, "
        "at each rate a part; undecided if layer 4 does not get there",
        scale=_PAIR,
        horizon=_SHORT,
        chapter=10,
        needs=("fig2",),
        judge=trials.p4_layers_below,
    ),
    Claim(
        id="P5",
        where="sec. 3.1",
        text="A sigmoid network of depth 4 leaves the saturation, slowly; one of depth 5 never "
        "does.",
        statistic="number of seeds that escape: the mean of the top hidden layer at twice its "
        f"smallest value, and the test error 5 points below {CHANCE:g}",
        rule="depth 4 holds if all seeds escape, later than 100,000 updates, and fails if none "
        "does; depth 5 holds if none does and fails if all do; undecided in between; each depth "
        "at each rate a part",
        scale=_PAIR,
        horizon=_LONGEST,
        chapter=10,
        needs=("fig2",),
        judge=trials.p5_escape,
    ),
    Claim(
        id="P6",
        where="sec. 3.1, figure 2",
        text="As the top layer leaves saturation, the first one begins to saturate.",
        statistic="standard deviation, and saturated share, of layer 1 at 1.25 times the number "
        "of updates at the escape of P5, less half way to it, depth 4",
        rule="each of the two holds if its 95 % interval is above 0.05 and fails if it is below; "
        "at a rate at which fewer than 3 seeds escape in time it is undecided",
        scale=_PAIR,
        horizon=_LONGEST,
        chapter=10,
        needs=("fig2",),
        judge=trials.p6_first_layer,
    ),
    Claim(
        id="P7",
        where="sec. 3.1",
        text="The cause is that the output biases learn fast, after which W h is pushed to 0 "
        "through h, where a sigmoid is saturated.",
        statistic="mean of the top hidden layer (plus 1/2 where units are centred), depth 4: with "
        "output biases frozen, with output biases that start at the logarithms of the class "
        "frequencies, and with units centred or steep that start as the same function or slope; "
        f"test error below {CHANCE:g}; in records made later, that error after 30,000 updates "
        "with other weights, after 100,000 with the first layer held, and the number of updates "
        "until it is 5 points below chance",
        rule="the biases' speed is a cause if with frozen and with log-prior biases the 95 % "
        f"interval of the mean is above {OPEN:g}, and is none if with one of them it is below "
        f"{COLLAPSED:g}; saturation at 0 is a cause if with centred units it is above {OPEN:g}; "
        "it is what prevents learning if with centred units the interval of the error is 5 points "
        "below chance; each at each of two rates a part, and only where the plain sigmoid is "
        f"below {COLLAPSED:g}. Where there is a record of it: slope times scale of weights counts "
        "if the error's interval is 5 points below chance with plain units and hidden weights 4 "
        "times as large, and above that with steep units and a quarter of the weights, and does "
        "not if one of them is on the other side, at each of two rates at which plain units are "
        "above and steep ones below with the usual weights; biases that do their work prolong the "
        "sleep if the intervals of the ratios of updates, log-prior to learned and learned to "
        "frozen, are above 1, and do not if one is below; the waking needs the first layer to "
        "learn if, of the seeds that are 5 points below chance with frozen output biases at rate "
        "0.1, at least two, none is with the first layer held, too, and does not if all are; each "
        "a part",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=10,
        needs=("interventions",),
        judge=trials.p7_output_biases,
        changed="At first it asked about the start of the fall alone, by a mean after 100,000 "
        "updates. The paper's explanation goes on: saturation, and a slow escape when the layers "
        "below have improved; and its conclusion is about small weights. Three parts were added "
        "when the first record was known, with it that the spread of layer 1 grew more with "
        "frozen and less with log-prior biases, and when short runs of one to three seeds at "
        "widths of 50 and 60 had come out as the parts ask; on seeds of their own where they ask "
        "about the same networks for longer.",
        later=("slope_scale", "biases", "first_layer"),
    ),
    Claim(
        id="P8",
        where="sec. 3.1",
        text="Sigmoid networks that were pre-trained do not saturate in this way.",
        statistic="mean of the top hidden layer of depth 5 after 100,000 updates of supervised "
        "training, with and without denoising auto-encoders before; test error at the horizon "
        "with them",
        rule=f"holds if without them the 95 % interval of the mean is below {COLLAPSED:g} at one "
        f"of figure 2's two rates, and with them above {OPEN:g} and that of the error 5 points "
        f"below {CHANCE:g}; fails if with them the mean's is below {COLLAPSED:g}",
        scale=f"{_WIDE}; without pre-training 200 units, 3 seeds",
        horizon=_LONG,
        chapter=14,
        needs=("fig2", "pretraining"),
        judge=trials.p8_pretrained_sigmoid,
        changed="At first the network without pre-training was that of table 1. Its rate is chosen "
        "by the error, which is the same at all rates, so that the smallest was taken, at which "
        "its top layer is slow to move. Changed when table 1's record was known and those of "
        "figure 2 and of pre-training were not.",
    ),
    Claim(
        id="P9",
        where="sec. 3.1",
        text="The mean of the sigmoid, which is not zero, puts large singular values into the "
        "Hessian.",
        statistic="logarithm of the largest eigenvalue of the exact Hessian: sigmoid less centred "
        "units, one function in two parametrizations",
        rule="holds if the 95 % interval is above log(2), fails if it is below",
        scale="book: three hidden layers of 20 units, 300 digits, 5 seeds",
        horizon=_BIRTH,
        chapter=10,
        needs=("hessian",),
        judge=trials.p9_hessian,
    ),
    Claim(
        id="P10",
        where="secs. 3.1, 5",
        text="Even where it escapes, the sigmoid ends in a poorer solution.",
        statistic="test error, depth 4, standard initialization, seeds that both have: sigmoid "
        "less tanh after 2,500,000 updates, each at its better rate of two; where there is no "
        "such record of tanh, that after 100,000",
        rule=f"holds if the 95 % interval is above {MARGIN:g} points, and fails if it is below, "
        "which it cannot while tanh had less time; undecided otherwise, and if not all seeds "
        "escaped (P5)",
        scale=_PAIR,
        horizon="2,500,000 updates, of tanh 100,000 till there is a record",
        chapter=10,
        needs=("fig2", "depth"),
        judge=trials.p10_poorer,
        changed="At first tanh had 100,000 updates and the claim no way to fail. Changed when the "
        "sigmoid was known to be 29 points ahead of that, and before tanh was trained for as long.",
        later=("tanh_late",),
    ),
    Claim(
        id="P11",
        where="sec. 3.2, figure 3",
        text="With the standard initialization tanh layers saturate one after another, from the "
        "first up.",
        statistic="number of updates at which the 98th percentile of a layer first reaches 0.9",
        rule="holds if it rises from each layer to the next in every seed, for all layers that "
        "reach it, and at least two do; fails if it does not in most seeds; undecided in between; "
        "the same at 0.99 is a second part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=11,
        needs=("table1",),
        judge=trials.p11_one_after_another,
    ),
    Claim(
        id="P12",
        where="sec. 3.3, figure 3",
        text="Softsign layers move together, fast and then slowly, and saturate less than tanh.",
        statistic="98th percentile, largest less smallest layer, mean over the run, softsign less "
        "tanh; rise of softsign's mean percentile in the first fifth over its whole rise; "
        "saturated share at the end, softsign less tanh, after 750,000 updates on other seeds "
        "where there is a record of them",
        rule="together if the 95 % interval of the first is below 0, fast and then slowly if that "
        "of the second is above 0.5, less if that of the third is below 0; each a part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=11,
        needs=("table1",),
        judge=trials.p12_softsign_together,
        changed="The saturated share was to be that after 500,000 updates. It is 0.014 larger with "
        "softsign after 400,000, equal after 500,000, and on its way to be smaller: the end of "
        "that record is where the two cross, and no number of seeds would decide. Changed when "
        "this was known, and before the longer runs, which have seeds of their own.",
        later=("saturation_late",),
    ),
    Claim(
        id="P13",
        where="sec. 3.3, figure 4",
        text="At the end tanh units sit at -1, 0 and 1, and softsign units at the knees, at 0.6 "
        "to 0.8.",
        statistic="place of the highest bin of the density of |z|, bins of 0.04, by layer and "
        "seed, standard initialization",
        rule="a layer agrees if in all seeds the place is, for tanh below 0.1 or above 0.95, for "
        "softsign from 0.55 to 0.85; each layer of each activation a part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=11,
        needs=("table1",),
        judge=trials.p13_where_units_sit,
    ),
    Claim(
        id="P14",
        where="sec. 4.1, figure 5",
        text="The cost surface of the quadratic cost has worse plateaus than that of the "
        "cross-entropy.",
        statistic="share of the square from -4 to 4 over two weights in which the gradient, per "
        "unit of weight, is below 1 % of the surface's range: quadratic less cross-entropy",
        rule="holds for an output if the 95 % interval over random inputs and targets is above "
        f"{judges.WORSE_PLATEAUS:g}, fails if it is below 0; softmax and tanh outputs, each a part",
        scale="one hidden layer of tanh units, at least 20 draws",
        horizon="none",
        chapter=12,
        needs=(),
        judge=judges.p14_plateaus,
    ),
    Claim(
        id="P15",
        where="sec. 4.1",
        text="Classifiers train much better on the cross-entropy than on the quadratic cost.",
        statistic="test error, quadratic less cross-entropy, tanh of depth 5",
        rule=f"holds if the 95 % interval is above {MARGIN:g} points, fails if it is below; "
        "standard and normalized initialization, each a part",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=12,
        needs=("cost",),
        judge=trials.p15_cross_entropy,
    ),
    Claim(
        id="P16",
        where="eq. 5",
        text="In the linear regime the variance of a layer is that of the input times n Var[W] of "
        "each layer below.",
        statistic="the derived variance; distance of sampled variances from it in standard errors",
        rule=f"holds if the algebra gives the product and samples are within {judges.AGREES:g}, "
        f"fails if one is beyond {judges.REJECTS:g}",
        scale="10,000 networks of sizes 8, 50, 5, 20 and as many of 20, 20, 20, 20",
        horizon=_BIRTH,
        chapter=4,
        needs=(),
        judge=judges.p16_forward_variance,
    ),
    Claim(
        id="P17",
        where="eqs. 6, 7, 13",
        text="The variances of gradients are what equations 6, 7 and 13 say as they are printed.",
        statistic="distance of sampled variances from each printed equation in standard errors",
        rule=f"an equation holds up to {judges.AGREES:g} and fails beyond {judges.REJECTS:g}; "
        "each a part",
        scale="20,000 networks of sizes 10, 12, 6, 10, 8, and for eq. 13 of width 10",
        horizon=_BIRTH,
        chapter=5,
        needs=(),
        judge=judges.p17_backward_variance,
    ),
    Claim(
        id="P18",
        where="eqs. 7, 14",
        text="Weight gradients have one variance in all layers even where back-propagated "
        "gradients do not.",
        statistic="the derived variances for equal widths; sampled ones; largest over smallest "
        "standard deviation of the hidden layers of a tanh network, standard initialization",
        rule=f"holds if the algebra gives one, samples are within {judges.AGREES:g} standard "
        f"errors, and the 95 % interval of the ratio is below {judges.ALIKE:g} where that of the "
        f"back-propagated gradients is above {judges.APART:g}; each a part",
        scale="20,000 linear networks of width 10; five hidden layers of 1000 units, 300 images, "
        "seeds 0 to 4",
        horizon=_BIRTH,
        chapter=5,
        needs=(),
        judge=judges.p18_level_weight_gradients,
    ),
    Claim(
        id="P19",
        where="eqs. 10 to 12",
        text="The forward and the backward condition meet for equal widths only, and the "
        "compromise is 2/(n_in + n_out).",
        statistic="the solutions of both conditions; that of their average; the code",
        rule="holds if the only common solution has equal widths, three unequal pairs have none, "
        "and the other two are 2/(n_in + n_out)",
        scale="symbols",
        horizon="none",
        chapter=6,
        needs=(),
        judge=judges.p19_compromise,
    ),
    Claim(
        id="P20",
        where="eq. 15",
        text="The standard initialization has n Var[W] = 1/3.",
        statistic="n Var[W] of U(-1/sqrt(n), 1/sqrt(n)), by integration, in the code, and drawn",
        rule=f"holds if it is 1/3 exactly and draws are within {judges.AGREES:g} standard errors",
        scale="symbols; 40 layers from 1000 to 200 units",
        horizon="none",
        chapter=4,
        needs=(),
        judge=judges.p20_one_third,
    ),
    Claim(
        id="P21",
        where="eq. 16",
        text="The compromise is a uniform distribution up to sqrt(6)/sqrt(n_in + n_out).",
        statistic="the derived bound; variance and largest weight of drawn layers; torch's own",
        rule=f"holds if the bounds are equal, the variance is within {judges.AGREES:g} standard "
        "errors, the largest weight within 0.1 % of the bound, and torch draws the same",
        scale="symbols; layers from 300 to 100 units",
        horizon="none",
        chapter=6,
        needs=(),
        judge=judges.p21_bound,
    ),
    Claim(
        id="P22",
        where="sec. 4.2.2, figure 6",
        text="At birth the activations' peak at 0 grows with the layer under the standard "
        "initialization, and layers are alike under the normalized one.",
        statistic="density at 0, each layer over the one below; largest over smallest standard "
        "deviation of the hidden layers",
        rule="grows if all four 95 % intervals of the first are above 1; alike if that of the "
        f"second is below {judges.ALIKE:g}; each a part",
        scale="five hidden layers of 1000 tanh units, 300 images, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=7,
        needs=(),
        judge=judges.p22_activations,
    ),
    Claim(
        id="P23",
        where="sec. 4.2.2, figure 7",
        text="At birth back-propagated gradients shrink from layer to layer downwards under the "
        "standard initialization, and layers are alike under the normalized one.",
        statistic="standard deviation, each layer over the one below; largest over smallest layer",
        rule="shrink if all four 95 % intervals of the first are above 1; alike if that of the "
        f"second is below {judges.ALIKE:g}; each a part",
        scale="five hidden layers of 1000 tanh units, 300 images, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=7,
        needs=(),
        judge=judges.p23_back_gradients,
    ),
    Claim(
        id="P24",
        where="sec. 4.2.2, figure 8",
        text="At birth weight gradients are alike in all hidden layers under both initializations.",
        statistic="largest over smallest standard deviation of the hidden layers",
        rule=f"alike if the 95 % interval is below {judges.ALIKE:g}; each initialization a part",
        scale="five hidden layers of 1000 tanh units, 300 images, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=7,
        needs=(),
        judge=judges.p24_weight_gradients,
    ),
    Claim(
        id="P25",
        where="sec. 4.2.2",
        text="The mean singular value of a layer's Jacobian is about 0.8 under the normalized and "
        "0.5 under the standard initialization.",
        statistic="mean singular value of each of the four Jacobians between hidden layers",
        rule="a layer agrees if the 95 % interval lies within 0.05 of the number, and does not if "
        "all of it lies outside; each layer of each initialization a part",
        scale="five hidden layers of 1000 tanh units, seeds 0 to 2",
        horizon=_BIRTH,
        chapter=8,
        needs=(),
        judge=judges.p25_singular_values,
    ),
    Claim(
        id="P26",
        where="sec. 4.2.2",
        text="That mean is the ratio of the activations' variances from one layer to the next.",
        statistic="mean singular value over the ratio of variances, linear units, square layers",
        rule=f"holds if the 95 % interval lies within {judges.MATCHES:g} of 1, fails if all of it "
        "lies outside; each initialization a part",
        scale="layers of 400 units, 300 inputs, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=8,
        needs=(),
        judge=judges.p26_variance_ratio,
    ),
    Claim(
        id="P27",
        where="sec. 4.3",
        text="That gradients shrink downwards is reversed very quickly by training.",
        statistic="standard deviation of the back-propagated gradient, layer 1 over layer 5, "
        "tanh, standard initialization",
        rule="holds if the 95 % interval is below 1 at birth and above 1 within 20,000 updates, "
        "one epoch of the paper's; fails if it is below 1 at all measurements up to then",
        scale=_WIDE,
        horizon="20,000 updates",
        chapter=11,
        needs=("table1",),
        judge=trials.p27_reversed,
    ),
    Claim(
        id="P28",
        where="sec. 4.3, figure 9",
        text="Under the standard initialization weight gradients drift apart in training, larger "
        "in lower layers; under the normalized one they do less.",
        statistic="standard deviation of the weight gradient, layer 1 over layer 5, mean of the "
        "last fifth of the run, tanh; its logarithm, standard less normalized",
        rule="apart if the 95 % interval of the standard ratio is above 2 (the paper has 3.5, and "
        "1.7 for normalized); less if that of the difference is above 0; each a part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=11,
        needs=("table1",),
        judge=trials.p28_drift_apart,
    ),
    Claim(
        id="P29",
        where="sec. 4.3, figures 3 and 10",
        text="Softsign behaves in training as tanh does with the normalized initialization.",
        statistic="distance of two evolutions: mean over layers and measurements of the absolute "
        "difference of standard deviations, and of 98th percentiles; softsign to normalized tanh, "
        "less softsign to standard tanh",
        rule="each of the two holds if its 95 % interval is below 0 and fails if it is above",
        scale=_WIDE,
        horizon=_LONG,
        chapter=11,
        needs=("table1",),
        judge=trials.p29_like_normalized_tanh,
    ),
    Claim(
        id="P30",
        where="table 1, figure 11",
        text="On Shapeset at depth 5 normalized tanh, normalized softsign and softsign end alike, "
        "tanh behind them, and the sigmoid at chance.",
        statistic="test error: differences of the three; tanh less normalized tanh; sigmoid less "
        f"{CHANCE:g}",
        rule=f"alike if all three 95 % intervals lie within {MARGIN:g} points of 0; behind if the "
        f"interval is above {MARGIN:g} points; at chance if it lies within 1 point of 0; each a "
        "part",
        scale=f"{_WIDE}; errors on 100,000 images",
        horizon=_LONG,
        chapter=13,
        needs=("table1",),
        judge=trials.p30_shapeset,
    ),
    Claim(
        id="P31",
        where="table 1, figure 12",
        text="On MNIST the sigmoid is last (2.21) and the normalized initialization helps tanh "
        "(1.76 to 1.64).",
        statistic="test error at depth 5: that of the sigmoid; sigmoid less each other curve; tanh "
        "less normalized tanh",
        rule="the sigmoid learns and is last if its 95 % interval is below "
        f"{trials.MNIST_LEARNED:g} and those of the differences are above 0, and not if one of "
        "these is on the other side; tanh gains if the interval is above 0, and does not if it is "
        "below half of what the paper has; values hold if all five intervals lie within 0.3 "
        "points of the paper's; each a part",
        scale=_BOOK,
        horizon="200,000 updates",
        chapter=None,
        needs=("mnist",),
        judge=trials.p31_mnist,
        changed="At first a sigmoid that never left chance would have been last as the paper's is, "
        "which learned, and a gain of nothing could not have failed. Changed before any run on "
        "these images but trials of the sigmoid's rate on two seeds, in which it slept at 0.3 and "
        "learned at 1, so that rates up to 1 are tried.",
    ),
    Claim(
        id="P32",
        where="table 1, figure 12",
        text="On CIFAR-10 the sigmoid is last (57.28), and the normalized initialization helps "
        "tanh (55.9 to 52.92) and softsign (55.78 to 53.8).",
        statistic="test error at depth 5: that of the sigmoid; sigmoid less each other curve; tanh "
        "and softsign less their normalized selves",
        rule="the sigmoid learns and is last if its 95 % interval is below "
        f"{trials.CIFAR_LEARNED:g} and those of the differences are above 0, and not if one of "
        "these is on the other side; tanh and softsign gain if the interval is above 0, and do "
        "not if it is below half of what the paper has; values hold if all five intervals lie "
        f"within {MARGIN:g} points of the paper's; each a part",
        scale=_BOOK,
        horizon="200,000 updates",
        chapter=None,
        needs=("cifar10",),
        judge=trials.p32_cifar10,
        changed="As P31, and at the same time.",
    ),
    Claim(
        id="P33",
        where="table 1",
        text="On small images of ImageNet sigmoid (70.66) and tanh (70.58) are behind, and the "
        "normalized initialization helps tanh (68.57) and softsign (69.14 to 68.13).",
        statistic="test error at depth 5: sigmoid and tanh less normalized tanh; softsign less "
        "normalized softsign",
        rule="each part holds if its 95 % interval is above 0 and fails if it is below; values "
        "cannot be compared, since the paper's images are not to be had",
        scale=_BOOK,
        horizon="200,000 updates",
        chapter=None,
        needs=("small_imagenet",),
        judge=trials.p33_small_imagenet,
    ),
    Claim(
        id="P34",
        where="sec. 5",
        text="A support vector machine on 100,000 Shapeset images is wrong on 59.47 %, a "
        "normalized tanh network of depth 5 on the same images on 50.47 %.",
        statistic="test error of the tuned machine by the number of its examples, and of a "
        "network on the same ones",
        rule="the machine's value holds if its exact 95 % interval at 100,000 examples lies "
        "within 3 points of the paper's, and fails if all of it lies outside, or at fewer "
        "examples below; with fewer examples it is undecided otherwise; that the network is "
        f"better holds if the interval of the difference is above {MARGIN:g} points; each a part",
        scale="book: the machine on up to 100,000 examples, tuned on up to 10,000, 10,000 test "
        "images, one seed; the network on 30,000, hidden layers of 200 units, 5 seeds",
        horizon=_SHORT,
        chapter=14,
        needs=("svm", "finite"),
        judge=trials.p34_support_vectors,
    ),
    Claim(
        id="P35",
        where="sec. 5, figure 11",
        text="Pre-training with denoising auto-encoders ends best, and the normalized "
        "initialization closes a good part of the gap to it.",
        statistic="test error: normalized tanh less pre-trained tanh; part of the gap between "
        "standard and pre-trained tanh that the normalized one closes; of two rates of "
        "auto-encoders that at which the first layer restores images best",
        rule=f"best if the 95 % interval of the first is above {MARGIN:g} points; a good part if "
        "that of the second is above 0.5 (the paper has 0.7 at its horizon); each a part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=14,
        needs=("table1", *trials.PRETRAINED),
        judge=trials.p35_pretraining,
        changed=_RATE_OF_AUTO_ENCODERS,
    ),
    Claim(
        id="P36",
        where="sec. 5",
        text="Softsign depends less on the initialization than tanh does.",
        statistic="absolute difference of test errors, standard and normalized: that of tanh less "
        "that of softsign",
        rule=f"holds if the 95 % interval is above {MARGIN:g} points, fails if it is below 0",
        scale=_WIDE,
        horizon=_LONG,
        chapter=13,
        needs=("table1",),
        judge=trials.p36_softsign_depends_less,
    ),
    Claim(
        id="P37",
        where="sec. 5",
        text="Sigmoid and tanh networks with the standard initialization learn more slowly and "
        "end in poorer minima.",
        statistic="first measurement with a test error below 60 % (the horizon if none), and test "
        "error at the end, each less that of normalized tanh",
        rule="slower if the 95 % interval of the first is above 0; poorer if that of the second "
        f"is above {MARGIN:g} points; each of the two activations and two statements a part",
        scale=_WIDE,
        horizon=_LONG,
        chapter=13,
        needs=("table1",),
        judge=trials.p37_slower_and_poorer,
    ),
    Claim(
        id="P38",
        where="sec. 5",
        text="Rates for single weights, from the diagonal of the Hessian or the variance of the "
        "gradients, help standard tanh, do not reach the normalized initialization, and add to "
        "it.",
        statistic="test error: standard tanh without less with them; standard with them less "
        "normalized without; normalized without less with them; for each of the two methods",
        rule=f"helps, and adds, if the 95 % interval is above {MARGIN:g} points; does not reach "
        "it if that of the second is above 0; each statement and method a part",
        scale=_BOOK,
        horizon=_SHORT,
        chapter=12,
        needs=("second_order",),
        judge=trials.p38_own_rates,
    ),
    Claim(
        id="P39",
        where="sec. 5",
        text="The normalized initialization gains as much where widths grow or shrink with the "
        "layer.",
        statistic="test error, standard less normalized tanh, for growing and for shrinking "
        "widths; the same less that for equal widths",
        rule=f"gains if the 95 % interval of the first is above {MARGIN:g} points; as much if "
        f"that of the second is above -{MARGIN:g} points; each direction and statement a part",
        scale="book: five hidden layers of 100 to 320 units, 5 fresh seeds; equal ones of 200",
        horizon=_SHORT,
        chapter=14,
        needs=("pyramids", "second_order"),
        judge=trials.p39_pyramids,
    ),
    Claim(
        id="P40",
        where="sec. 5",
        text="Watching activations and gradients is a strong tool for understanding what is wrong "
        "with a network.",
        statistic="share of planted faults whose layer a fixed reading of the watched numbers "
        "names; share of sound networks for which it names one",
        rule="holds if the exact 95 % interval of the first is above "
        f"{judges.FOUND:g} and that of the second below {judges.FALSE_ALARMS:g}",
        scale="tanh networks of width 50; three kinds of fault in four layers, seeds 0 to 4; 40 "
        "sound networks",
        horizon=_BIRTH,
        chapter=7,
        needs=(),
        judge=judges.p40_monitoring,
    ),
    Claim(
        id="P41",
        where="abstract, sec. 5",
        text="Training is harder where the singular values of the layers' Jacobians are far from "
        "1.",
        statistic="rank correlation, over gains from 1/4 to 4, of the test error at the best rate "
        "with the absolute logarithm at birth of the mean singular value, and of the root mean "
        "square",
        rule="each of the two holds if the 95 % interval over seeds is above 0.5, fails if it is "
        "below",
        scale="book: five hidden layers of 200 tanh units, Glorot's rule times a gain, 3 seeds",
        horizon="50,000 updates",
        chapter=13,
        needs=("gain_grid",),
        judge=trials.p41_singular_values,
    ),
    # ---------------------------------------------------------------------------------- the course
    Claim(
        id="C1",
        where="this book; table 1",
        text="Chance on Shapeset is 83.33 % wrong, and a sigmoid network of depth 5 gives one "
        "answer to all images.",
        statistic="error of the best constant answer, counted; share of the most common answer of "
        "trained networks",
        rule="the first holds if its exact 95 % interval has 83.33 in it and not 88.89; the "
        "second if its interval over seeds is above 0.99; each a part",
        scale="50,000 labels; five hidden layers of 100 sigmoids, 2,000 images, seeds 0 to 4",
        horizon="1,000 updates",
        chapter=2,
        needs=(),
        judge=judges.c1_chance,
    ),
    Claim(
        id="C2",
        where="this book",
        text="At gain 1 the variance dies out as 1/(2 l) in tanh networks and as pi/(8 l^2) in "
        "softsign networks.",
        statistic="the series; the law over the theory for wide layers at layer 1,000; networks "
        "over theory at layer 100",
        rule=f"the series is equal, the law within {judges.LAW:g}, and the 95 % interval of the "
        f"networks within a factor of {judges.FOLLOWS:g}; each of the two activations' three a "
        "part",
        scale="width 400, depth 100, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=9,
        needs=(),
        judge=judges.c2_dying_out,
    ),
    Claim(
        id="C3",
        where="this book",
        text="Torch's gain for tanh, 5/3, holds units at a standard deviation of 0.651 and lets "
        "the variance of gradients grow by 1.21 per layer.",
        statistic="both numbers by quadrature at the fixed point, and in networks",
        rule="quadrature within 0.0005 and 0.005; the 95 % intervals of networks within 0.02 and "
        "0.05; each a part",
        scale="width 400, depth 50, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=9,
        needs=(),
        judge=judges.c3_five_thirds,
    ),
    Claim(
        id="C4",
        where="this book",
        text="No modest gain saves the sigmoid: gradients survive only near gain 10, where units "
        "are saturated.",
        statistic="factor on the variance of the gradient per layer at the fixed point, gains 0.5 "
        "to 20; saturated share where it is 1 or more; the factor in networks at gain 4",
        rule=f"holds if the factor is below 0.9 up to gain {judges.MODEST:g}, the share above "
        f"{judges.SATURATED:g}, and the networks' 95 % interval below 0.9",
        scale="quadrature; width 400, depth 20, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=9,
        needs=(),
        judge=judges.c4_sigmoid_gains,
    ),
    Claim(
        id="C5",
        where="this book",
        text="The default of torch's linear layer is the paper's standard initialization, with "
        "random biases.",
        statistic="variance of Kaiming's rule with slope sqrt(5); n Var[W], largest weight and n "
        "Var[b] of layers as torch makes them",
        rule=f"equal to eq. 1; within {judges.AGREES:g} standard errors of 1/3; within 0.1 % of "
        "1/sqrt(n); each a part",
        scale="symbols; 20 layers from 1000 to 200 units",
        horizon="none",
        chapter=6,
        needs=(),
        judge=judges.c5_default_linear,
    ),
    Claim(
        id="C6",
        where="this book",
        text="A published replication that found no effect used a baseline with n Var[W] = 1, so "
        "that its two arms were alike at birth.",
        statistic="n Var[W] of U(-sqrt(3/n), sqrt(3/n)); standard deviation of the activations, "
        "that baseline over normalized, and eq. 1 over normalized in layer 5",
        rule=f"holds if the first is 1, the 95 % interval of the second within {judges.MATCHES:g} "
        f"of 1, and that of the third below 1/{judges.ALIKE:g}; what the replication used is by "
        "its files",
        scale="five hidden layers of 1000 tanh units, 300 images, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=7,
        needs=(),
        judge=judges.c6_other_baseline,
    ),
    Claim(
        id="C7",
        where="this book",
        text="At gain 1 gradients die out by the same power of the layer as the signal, so that "
        "weight gradients stay level far beyond the linear regime.",
        statistic="the two series; largest over smallest variance of the weight gradients of "
        "layers 10 to 100 in the theory for wide layers, and of 10 to 99 in single networks",
        rule=f"the powers are equal; level if the ratio is below {judges.LEVEL:g}, in networks in "
        "every seed; for tanh and softsign, each a part",
        scale="width 400, depth 100, seeds 0 to 4",
        horizon=_BIRTH,
        chapter=9,
        needs=(),
        judge=judges.c7_same_powers,
    ),
)

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in _CLAIMS}
"""The claims by id, first those of the notes, then the paper's, then this book's.

:meta hide-value:
"""

_SAID = ["id", "verdict", "ours", "low", "high", "paper", "records"]
_COLUMNS = [*_SAID, "note", "seconds"]


def ledger(
    folder: str | Path | None = None,
    ids: Iterable[str] | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Judge claims, now.

    Nothing is remembered from earlier calls but what judges keep of their own computations within
    one process. A claim whose records are missing or are refused is "not run", and its
    note says what is missing.

    Args:
        folder: of the records, as in `glorot2010.records.results_folder`.
        ids: which claims, in this order; by default all.
        progress: whether to show a progress bar; by default only on a terminal.

    Returns:
        One row a claim, with the columns ``id``, ``verdict``, ``ours`` (a number, a short text, or
        None), ``low`` and ``high`` (its interval, not a number if there is none), ``paper``,
        ``records`` (names of those that were read), ``note`` and ``seconds``.

    Raises:
        TypeError: ``ids`` is a text.
        ValueError: an id is unknown.
    """
    if isinstance(ids, str):
        raise TypeError(f"ids must be a sequence of ids, got the text {ids!r}")
    chosen = [checks.one_of("ids", name, CLAIMS) for name in (CLAIMS if ids is None else ids)]
    evidence, rows = Evidence(folder), []
    quiet = None if progress is None else not progress  # None: tqdm looks for a terminal
    with tqdm(chosen, unit="claim", disable=quiet) as bar:
        for name in bar:
            bar.set_postfix_str(name)
            begin = time.perf_counter()
            found, read = _judge(CLAIMS[name], evidence.fresh())
            low, high = found.interval or (math.nan, math.nan)
            said = found.verdict, found.ours, low, high, found.paper, read, found.note
            rows.append((name, *said, time.perf_counter() - begin))
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    for column in ("ours", "paper"):  # numbers and texts, and None where there is neither
        values = [row[_COLUMNS.index(column)] for row in rows]
        frame[column] = pd.Series(values, dtype=object)
    return frame


def as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """What `ledger` returned in a form that JSON has.

    Returns:
        For every claim ``id``, ``verdict``, ``ours``, ``interval`` (two numbers or None),
        ``paper`` and ``records`` (a list of names).

    Raises:
        ValueError: a column is missing.
    """
    missing = [column for column in _SAID if column not in frame]
    if missing:
        raise ValueError(f"frame must be from ledger, {missing} missing")
    return [
        {
            "id": row["id"],
            "verdict": row["verdict"],
            "ours": _plain(row["ours"]),
            "interval": None if pd.isna(row["low"]) else [float(row["low"]), float(row["high"])],
            "paper": _plain(row["paper"]),
            "records": list(row["records"]),
        }
        for row in frame.to_dict("records")
    ]


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)


def _judge(claim: Claim, evidence: Evidence) -> tuple[Judgement, tuple[str, ...]]:
    """What a claim's judge says, and the records it rests on; or why it has not been asked."""
    try:
        for experiment in claim.needs:
            evidence.rows(experiment)
        return claim.judge(evidence), evidence.records
    except (records.RecordMissing, records.RecordError) as error:
        return _not_run(str(error)), ()


def _not_run(why: str) -> Judgement:
    return Judgement("not run", None, None, None, why)
