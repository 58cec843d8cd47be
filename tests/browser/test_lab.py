"""The laboratory's script, run in a browser: the numbers are the package's, and the page works."""

import math

import numpy as np
import pytest
import torch
from conftest import DESKTOP, PHONE, Visit, address, most

from xavier import activations, theory
from xavier.network import Network
from xavier.shapeset import CLASSES, FREQUENCIES, Shapeset

PAGE = "chapters/laboratory.html"
ACTIVATIONS = ("sigmoid", "tanh", "softsign", "relu", "identity")


@pytest.fixture(scope="module")
def page(browser):
    seen = Visit(browser, PAGE)
    yield seen
    seen.tab.context.close()


@pytest.fixture
def tab(page):
    """The page, as whoever was before left it: enough for who calls its functions."""
    yield page.tab
    assert page.problems == []


@pytest.fixture
def fresh(page):
    """The page, whose laboratory begins anew."""
    page.ask("room=paper")
    yield page.tab
    assert page.problems == []


# --------------------------------------------------------------------------------------------------
# The numbers
# --------------------------------------------------------------------------------------------------


def package_network(activation):
    """A small network of the package, with biases that are not zero, and a batch."""
    rng = np.random.default_rng(7)
    sizes = [6, 5, 7, 4, 3]
    network = Network.create(sizes, activation, "glorot", seeds=[1], dtype=torch.float64)
    for b in network.b:
        b.copy_(torch.from_numpy(rng.normal(0, 0.3, b.shape)))
    x = torch.from_numpy(rng.normal(0, 1.3, (8, 6)))
    return network, sizes, x, torch.from_numpy(rng.integers(0, 3, 8))


RUN = """([sizes, activation, w, b, x, y, lr]) => {
  const L = window.XavierLab, net = L.Net(sizes, activation);
  w.forEach((list, i) => net.w[i].set(list)); b.forEach((list, i) => net.b[i].set(list));
  const logits = Array.from(net.forward(Float64Array.from(x), y.length));
  const { cost } = net.cost(y);
  const delta = net.backward().map((d) => Array.from(d));
  const weights = sizes.slice(1).map((_, i) => Array.from(net.weightGradient(i)));
  const before = net.step(Float64Array.from(x), y, lr);
  return { logits, cost, delta, weights, before, z: net.z.map((z) => Array.from(z)),
           w: net.w.map((v) => Array.from(v)), b: net.b.map((v) => Array.from(v)) };
}"""


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_both_gradients_and_an_update_are_the_packages(tab, activation):
    network, sizes, x, y = package_network(activation)
    flat = [[t[0].flatten().tolist() for t in part] for part in (network.w, network.b)]
    got = tab.evaluate(RUN, [sizes, activation, *flat, x.flatten().tolist(), y.tolist(), 0.2])
    trace = network.forward(x)
    gradients = network.backward(trace, y)
    close = {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(got["logits"], trace.logits[0].flatten(), **close)
    assert got["cost"] == pytest.approx(float(network.cost(trace, y)[0]), rel=1e-12)
    assert got["before"] == pytest.approx(got["cost"], rel=1e-12)
    for i in range(len(sizes) - 1):
        np.testing.assert_allclose(got["delta"][i], gradients.s[i][0].flatten(), **close)
        np.testing.assert_allclose(got["weights"][i], gradients.w[i][0].flatten(), **close)
    network.step(x, y, lr=0.2)
    for i in range(len(sizes) - 1):
        np.testing.assert_allclose(got["w"][i], network.w[i][0].flatten(), **close)
        np.testing.assert_allclose(got["b"][i], network.b[i][0].flatten(), **close)


SATURATED = """([activation, s]) => {
  const L = window.XavierLab, net = L.Net([1, s.length, 1], activation);
  net.w[0].fill(1); net.b[0].set(s);
  net.forward(Float64Array.of(0), 1);
  return L.saturated(net, 0);
}"""


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softsign"])
def test_units_are_saturated_where_they_are_in_the_package(tab, activation):
    s = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    units = activations.ACTIVATIONS[activation]
    expected = float(units.saturated(units.value(s)).double().mean())
    assert 0.1 < expected < 0.9
    assert tab.evaluate(SATURATED, [activation, s.tolist()]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_variance_map_is_the_packages(tab, activation):
    for q, gain in ((0.01, 1.0), (0.5, 1.0), (1.0, 5 / 3), (4.0, 0.8)):
        found = tab.evaluate(
            "([name, q, gain]) => [XavierLab.varianceMap(name, q, gain),"
            " XavierLab.gradientMap(name, q, gain)]",
            [activation, q, gain],
        )
        expected = [theory.variance_map(activation, q, gain=gain),
                    theory.gradient_map(activation, q, gain=gain)]  # fmt: skip
        np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_predictions_are_the_linear_law_and_the_map(tab):
    found = tab.evaluate("XavierLab.predicted([1024, 50, 50, 9], 'tanh', 'standard', 1.5, 0.37)")
    linear = [0.37 * 0.75, 0.37 * 0.75**2]
    np.testing.assert_allclose(found["linear"], linear, rtol=1e-12)
    first = theory.variance_map("tanh", 0.75 * 0.37)
    second = theory.variance_map("tanh", 0.75 * first)
    np.testing.assert_allclose(found["field"], [first, second], rtol=1e-8)


def test_images_have_the_packages_classes_and_pixels(tab):
    n = 12_000
    counts, mean, square, levels = tab.evaluate(
        """n => { const L = XavierLab, { x, y } = L.shapesetBatch(L.Random(11), n);
          const counts = Array(9).fill(0); y.forEach((k) => counts[k]++);
          const { mean, square } = L.stats(x), levels = [];
          for (let k = 0; k < 200; k++)
            levels.push(new Set(x.slice(k * 1024, (k + 1) * 1024)).size);
          return [counts, mean, square, levels]; }""",
        n,
    )
    assert len(CLASSES) == len(counts)
    for count, p in zip(counts, FREQUENCIES, strict=True):
        assert abs(count - n * p) < 5 * math.sqrt(n * p * (1 - p))
    images, _ = Shapeset(seed=5).batch(n)
    by_image = images.square().mean(1).numpy()
    error = by_image.std() / math.sqrt(n)
    assert abs(square - by_image.mean()) < 5 * math.sqrt(2) * error
    assert abs(mean) < 5 * images.mean(1).numpy().std() / math.sqrt(n)
    assert set(levels) == {2, 3}


def test_draws_have_the_variances_of_the_rules(tab):
    found = tab.evaluate(
        """() => { const L = XavierLab, out = {};
          for (const rule of Object.keys(L.RULES)) {
            const net = L.Net([300, 200, 9], "tanh"); net.draw(rule, 2, L.Random(3));
            out[rule] = L.stats(net.w[0]); }
          return out; }"""
    )
    expected = {"standard": 4 / 900, "glorot": 8 / 500, "lecun": 4 / 300, "he": 8 / 300,
                "N(0,1)": 4.0, "tiny": 4e-4, "zero": 0.0, "constant": 0.0}  # fmt: skip
    assert set(found) == set(expected)
    for rule, variance in expected.items():
        assert found[rule]["std"] ** 2 == pytest.approx(variance, rel=0.03, abs=1e-12), rule
    assert found["constant"]["mean"] == pytest.approx(0.2)


def test_a_seed_means_the_same_run_again(tab):
    run = """seed => { const L = XavierLab;
      const e = L.Experiment({ ...L.DEFAULTS.paper, seed, width: 20 });
      for (let k = 0; k < 30; k++) e.step(); return e.measure().cost; }"""
    assert tab.evaluate(run, 3) == tab.evaluate(run, 3) != tab.evaluate(run, 4)


# --------------------------------------------------------------------------------------------------
# What starts do
# --------------------------------------------------------------------------------------------------


def trained(tab, steps, **settings):
    """Error, cost and rows by layer after some steps."""
    return tab.evaluate(
        """([given, steps]) => { const L = XavierLab;
          const e = L.Experiment({ ...L.DEFAULTS[given.room], ...given });
          for (let k = 0; k < steps; k++) e.step();
          const { error, cost, rows } = e.measure();
          const list = rows.map((r) =>
            ({ mean: r.mean, std: r.std, saturated: r.saturated, gradient: r.gradient }));
          const mesh = new Float64Array(200).map((_, k) => Math.sin(k)), out = e.sizes[0] === 2
            ? Array.from(e.net.forward(mesh, 100)) : [];
          return { error, cost, rows: list, out, diverged: e.diverged }; }""",
        [settings, steps],
    )


def test_zero_keeps_the_boundary_flat(tab):
    found = trained(tab, 500, room="plane", rule="zero")
    out = np.array(found["out"]).reshape(-1, 2)
    assert np.ptp(out[:, 0] - out[:, 1]) < 1e-9


def test_tiny_stalls_and_glorot_learns(tab):
    assert trained(tab, 2000, room="plane", rule="tiny", depth=6)["error"] > 0.3
    assert trained(tab, 2000, room="plane", rule="glorot")["error"] < 0.05


def test_large_weights_saturate(tab):
    rows = trained(tab, 0, room="plane", rule="N(0,1)", width=32, depth=5)["rows"]
    assert all(row["saturated"] > 0.4 for row in rows[1:])
    rows = trained(tab, 0, room="plane", rule="glorot", width=32, depth=5)["rows"]
    assert all(row["saturated"] < 0.2 for row in rows)


@pytest.mark.thorough
def test_the_sigmoids_top_layer_collapses(tab):
    found = trained(tab, 1500, room="paper", activation="sigmoid", rule="standard", lr=0.1)
    means = [row["mean"] for row in found["rows"]]
    assert means[-1] < 0.3 and min(means[:3]) > 0.45


def test_the_standard_rule_shrinks_gradients_downwards(tab):
    gradients = [row["gradient"] for row in trained(tab, 0, room="paper", rule="standard")["rows"]]
    assert gradients == sorted(gradients) and gradients[-1] > 5 * gradients[0]


@pytest.mark.thorough  # it trains for most of a minute
def test_what_the_page_tells_to_find_out_is_found(tab):
    """The experiments that the laboratory's page proposes, with the outcomes that it tells."""

    def paper(steps, **settings):
        return trained(tab, steps, room="paper", **settings)

    def signals(found):
        return np.array([math.hypot(row["mean"], row["std"]) for row in found["rows"]])

    standard = signals(paper(0, rule="standard", depth=8))
    assert standard[1:-1] / standard[2:] == pytest.approx(3**0.5, rel=0.25)
    normalized = signals(paper(0, rule="glorot", depth=8))
    assert normalized[-1] / normalized[0] == pytest.approx(0.5, abs=0.1)

    for lr in (0.1, 1):
        assert paper(1000, gain=0.1, lr=lr)["error"] > 0.75
    large = paper(0, gain=4)["rows"]
    assert all(0.4 < row["saturated"] < 0.6 for row in large)
    gradients = [row["gradient"] for row in large]
    assert gradients == sorted(gradients, reverse=True)
    assert all(row["saturated"] > 0.75 for row in paper(2000, gain=4, lr=0.1)["rows"])

    asleep = {"activation": "sigmoid", "rule": "standard", "depth": 4, "lr": 0.1}
    tens, forties = paper(400, **asleep), paper(1600, batch=40, **asleep)
    assert tens["rows"][-1]["mean"] == pytest.approx(forties["rows"][-1]["mean"], abs=0.02)
    assert tens["rows"][-1]["mean"] < 0.46

    for activation in ("identity", "relu"):
        assert paper(300, activation=activation, gain=10, lr=1)["diverged"]
    assert paper(300, gain=10, lr=10)["diverged"] is None


@pytest.mark.thorough  # it trains for most of a minute
def test_two_rules_race_as_the_page_says(tab):
    for lr in (0.03, 0.1):
        two = [
            trained(tab, 2000, room="paper", rule=rule, lr=lr)["cost"]
            for rule in ("standard", "glorot")
        ]
        assert two[0] > 2.1 and two[1] < 2.0
    assert trained(tab, 4000, room="paper", rule="standard", lr=0.1)["cost"] < 2.1


def test_what_the_page_says_of_the_plane(tab):
    def plane(steps, **settings):
        return trained(tab, steps, room="plane", **settings)

    assert plane(2000, rule="constant")["error"] > 0.3
    tiny = [row["gradient"] for row in plane(2000, rule="tiny", depth=6)["rows"]]
    assert tiny[-1] / tiny[0] > 1e6
    assert plane(1000, depth=6)["error"] < 0.1
    assert plane(2000, rule="N(0,1)", depth=10, width=32)["error"] > 0.2
    assert plane(3000, depth=10)["error"] < 0.1
    assert plane(3000, activation="identity", data="xor")["error"] > 0.3
    assert plane(3000, data="xor")["error"] < 0.1


def test_what_diverges_says_when(tab):
    found = trained(tab, 3000, room="plane", activation="identity", rule="N(0,1)", lr=10, depth=6)
    assert found["diverged"] is not None and found["diverged"] > 0


# --------------------------------------------------------------------------------------------------
# The page
# --------------------------------------------------------------------------------------------------


def test_every_place_on_the_page_comes_alive(tab):
    places = tab.locator(".xavier-lab")
    assert places.count() == 3
    assert tab.locator(".xavier-lab.lab-live").count() == 3
    for canvas in tab.locator(".xavier-lab canvas").all():
        painted = canvas.evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v)"
        )
        assert painted, canvas.get_attribute("aria-label")


def test_the_address_holds_the_settings(page, tab):
    page.ask("room=paper&activation=sigmoid&depth=4&width=30&lr=0.1&gain=2&seed=9")
    labels = ("activation", "hidden layers", "width", "learning rate", "seed")
    values = {label: tab.get_by_label(label, exact=True).first.input_value() for label in labels}
    assert values == {"activation": "sigmoid", "hidden layers": "4", "width": "30",
                      "learning rate": "0.1", "seed": "9"}  # fmt: skip
    tab.get_by_label("initial weights").first.select_option("standard")
    assert "rule=standard" in tab.url and "activation=sigmoid" in tab.url


def test_a_run_that_diverges_is_said_to_have(page, tab):
    page.ask("room=plane&activation=identity&rule=N(0,1)&lr=10&depth=6")
    tab.evaluate("document.querySelector('.xavier-lab').lab.advance(300)")
    said = tab.locator(".xavier-lab").first.locator(".lab-status").inner_text()
    step = tab.evaluate("document.querySelector('.xavier-lab').lab.arms[0].experiment.diverged")
    assert said == f"diverged at step {step}."


def test_absurd_settings_are_put_right_and_said(visit):
    seen = visit(f"{PAGE}#room=paper&depth=999&width=-3&gain=1e99&activation=foo&lr=abc&zz=1")
    said = seen.tab.locator(".lab-note").first.inner_text()
    for part in ("depth is 8, and not 999", "width is 2", "gain is 100",
                 'activation cannot be "foo"', 'lr cannot be "abc"'):  # fmt: skip
        assert part in said
    assert seen.problems == []


@pytest.mark.parametrize(
    "page", most(["chapters/03_scale.html", "chapters/07_birth.html", PAGE], [PAGE])
)
def test_panels_are_drawn_for_the_width_that_they_have_and_stay_inside_the_page(visit, page):
    seen = visit(page)
    tab = seen.tab
    off = """() => [...document.querySelectorAll(".xavier-lab canvas")]
        .filter((canvas) => canvas.clientWidth)
        .map((canvas) => Math.abs(canvas.width - canvas.clientWidth * devicePixelRatio))"""
    drawn = f"() => Math.max(...({off})()) <= 1"
    assert tab.evaluate(off)
    tab.wait_for_function(drawn)
    # Not the window: as when a side bar is folded, or a style sheet comes late.
    tab.locator(".xavier-lab").first.evaluate("host => { host.style.width = '230px'; }")
    tab.wait_for_function(drawn)
    tab.locator(".xavier-lab").first.evaluate("host => { host.style.width = ''; }")
    if page == PAGE:
        tab.get_by_role("button", name="Race two").first.click()
        tab.evaluate("document.querySelector('.xavier-lab').lab.advance(5)")
    for viewport in (DESKTOP, {"width": 500, "height": 700}, PHONE):
        tab.set_viewport_size(viewport)
        tab.wait_for_function(drawn)
        assert seen.overflow() <= 0
    assert seen.problems == []


def test_it_is_used_by_keyboard_alone(fresh):
    tab = fresh
    tab.get_by_label("activation").first.focus()
    tab.keyboard.press("s")  # the next that begins so
    assert tab.get_by_label("activation").first.input_value() in ("sigmoid", "softsign")
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.type") == "range":
            break
    tab.keyboard.press("ArrowRight")
    button = tab.get_by_role("button", name="Train").first
    button.focus()
    tab.keyboard.press("Enter")
    steps_now = "document.querySelector('.xavier-lab').lab.arms[0].experiment.steps"
    tab.wait_for_function(f"{steps_now} > 20")
    assert tab.get_by_role("button", name="Pause").first.get_attribute("aria-pressed") == "true"
    tab.keyboard.press("Enter")
    steps = tab.evaluate("document.querySelector('.xavier-lab').lab.arms[0].experiment.steps")
    tab.wait_for_timeout(300)
    assert (
        tab.evaluate("document.querySelector('.xavier-lab').lab.arms[0].experiment.steps") == steps
    )
    assert "step " in tab.locator(".lab-status").first.inner_text()


def test_two_race_on_the_same_images(fresh):
    tab = fresh
    tab.get_by_role("button", name="Race two").first.click()
    assert tab.locator(".xavier-lab").first.locator(".lab-arm").count() == 2
    tab.evaluate("document.querySelector('.xavier-lab').lab.advance(20)")
    rules, same = tab.evaluate(
        "() => { const [a, b] = document.querySelector('.xavier-lab').lab.arms;"
        " const [x, y] = [a.experiment.test.x, b.experiment.test.x];"
        " return [[a.v.rule, b.v.rule], x.every((v, k) => v === y[k])]; }"
    )
    assert rules == ["glorot", "standard"] and same
    tab.get_by_role("button", name="One only").first.click()
    assert tab.locator(".xavier-lab").first.locator(".lab-arm").count() == 1


def test_a_guess_is_scored(fresh):
    tab = fresh
    room = tab.locator(".xavier-lab").first
    room.get_by_text("Guess the signal").click()
    for layer in range(1, 6):
        measured = tab.evaluate(
            "i => { const { found } = document.querySelector('.xavier-lab').lab.arms[0];"
            " return Math.sqrt(found.rows[i].square); }",
            layer - 1,
        )
        room.get_by_label(f"layer {layer}", exact=True).fill(f"{2 * measured:.6g}")
        room.get_by_label(f"layer {layer}", exact=True).press("Tab")
    assert "off by a factor of 2.0" in room.locator(".lab-score").inner_text()
    room.get_by_label("layer 1", exact=True).fill("-1")
    room.get_by_label("layer 1", exact=True).press("Tab")
    assert "above 0" in room.locator(".lab-score").inner_text()


def test_the_python_call_runs(fresh):
    tab = fresh
    tab.evaluate(
        "() => { const v = document.querySelector('.xavier-lab').lab.arms[0].v; v.width = 12; }"
    )
    tab.get_by_role("button", name="Copy as Python").first.click()
    code = tab.locator(".lab-code").first.inner_text()
    assert "seeds mean other draws" in code
    names = {}
    exec(code.replace("updates=5000", "updates=20").replace("every=500", "every=10"), names)
    assert set(names["rows"].quantity) >= {"test_error"}


def test_the_film_plays_to_its_end(fresh):
    tab = fresh
    film = tab.locator(".xavier-lab").nth(1)
    time = film.get_by_label("time")
    time.focus()
    tab.keyboard.press("End")
    assert "500,000 updates" in film.locator(".lab-status").inner_text()
    said = film.locator("canvas").first.get_attribute("aria-label")
    assert "after 500000 updates" in said and "std" in said
    tab.keyboard.press("Home")
    assert "After 0 updates" in film.locator(".lab-status").inner_text()


def test_without_a_script_there_is_a_text_and_a_figure(browser):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address(PAGE))
    assert "your browser runs none" in tab.locator(".xavier-lab").first.inner_text()
    assert tab.locator("#fig-lab .drawing").count() == 1
    assert "needs a script" in tab.locator(".xavier-lab").nth(1).inner_text()
    context.close()


SMALL = {
    "03_scale": ("signal gradient error", "gain learning-rate seed"),
    "09_beyond": ("acts signal gradient", "activation gain hidden-layers width"),
    "10_sigmoid": ("time acts error", "activation learning-rate batch seed"),
}


@pytest.mark.parametrize("chapter", most(SMALL, ["03_scale"]))
def test_a_chapter_has_a_smaller_one_that_leads_to_the_whole(visit, page, chapter):
    panels, fields = SMALL[chapter]
    seen = visit(f"chapters/{chapter}.html")
    host = seen.tab.locator(".xavier-lab")
    assert host.locator("figure:visible").count() == len(panels.split())
    shown = {text.replace(" ", "-") for text in host.locator("label").all_inner_texts()}
    assert shown == set(fields.split())
    host.evaluate("host => host.lab.advance(20)")
    settings = host.evaluate("host => window.XavierLab.format(host.lab.arms[0].v)")
    link = seen.tab.get_by_role("link", name="The same in the laboratory").get_attribute("href")
    whole, asked = link.split("#")
    assert f"chapters/{whole}" == PAGE
    page.ask(asked)
    there = page.tab.locator(".xavier-lab[data-main]")
    assert there.evaluate("host => window.XavierLab.format(host.lab.arms[0].v)") == settings
    assert seen.problems == []


@pytest.mark.thorough  # the laboratory's own page has one, too
@pytest.mark.parametrize(("chapter", "panels"), [("07_birth", 2), ("11_saturation", 2)])
def test_a_chapter_has_a_film(visit, chapter, panels):
    seen = visit(f"chapters/{chapter}.html")
    host = seen.tab.locator(".xavier-lab")
    assert host.locator("canvas").count() == panels
    before = host.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    slide = host.get_by_label("time")
    slide.focus()
    slide.press("End")
    assert host.locator(".lab-status").inner_text() == "After 500,000 updates."
    assert host.locator("canvas").first.evaluate("canvas => canvas.toDataURL()") != before
    assert seen.problems == []


def test_the_map_fills_in(fresh):
    """The last of the tests that share the page: it goes on filling."""
    tab = fresh
    tab.get_by_text("What learns: depth against gain").click()
    tab.get_by_role("button", name="Fill the map").click()
    tab.wait_for_function(
        "[...document.querySelectorAll('.lab-map td')]"
        ".filter((cell) => cell.textContent !== '–').length > 2",
    )
