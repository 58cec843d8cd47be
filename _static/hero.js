/* The live picture of the first page: a network of five tanh layers before its first update. A
   slider says how far its weights reach, and each time everything is computed anew, forward and
   backward: what each layer puts out, and the gradient that comes back to it (what arrives at the
   top is noise, which stands for a cost). Weights, inputs and noise are drawn once, from a seed, and
   the slider scales the weights. One script, no library, also from disk. */
(function () {
  "use strict";
  const LAYERS = 5, WIDTH = 100, IMAGES = 60, BINS = 61; // WIDTH units in each layer and in the input
  const LEAST = 0.5, STANDARD = 1, LINE = Math.sqrt(3), MOST = 3; // weights up to this over sqrt(WIDTH)
  const PAUSE = 1000, GLIDE = 1400, SILENCE = 500; // ms: before it moves, while it does, before it speaks
  const SVG = "http://www.w3.org/2000/svg";

  function mulberry32(seed) {
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  function network() {
    const random = mulberry32(2010);
    const uniform = (count) => Float32Array.from({ length: count }, () => 2 * random() - 1);
    const weights = Array.from({ length: LAYERS }, () => uniform(WIDTH * WIDTH));
    const input = uniform(IMAGES * WIDTH), arriving = uniform(IMAGES * WIDTH);

    function times(rows, matrix, scale, transposed) {
      const sums = new Float32Array(IMAGES * WIDTH);
      const [down, right] = transposed ? [1, WIDTH] : [WIDTH, 1];
      for (let n = 0; n < IMAGES * WIDTH; n += WIDTH)
        for (let i = 0; i < WIDTH; i++) {
          const value = rows[n + i] * scale;
          for (let j = 0; j < WIDTH; j++) sums[n + j] += value * matrix[i * down + j * right];
        }
      return sums;
    }

    // Activations of the layers, and the gradients by their sums, both from the first layer up.
    return (reach) => {
      const scale = reach / Math.sqrt(WIDTH), outputs = [], gradients = [];
      let signal = input;
      for (const matrix of weights) outputs.push((signal = times(signal, matrix, scale, false).map(Math.tanh)));
      let back = arriving;
      for (let k = LAYERS - 1; k >= 0; k--) {
        const gradient = back.map((value, at) => value * (1 - outputs[k][at] ** 2));
        gradients.unshift(gradient);
        if (k) back = times(gradient, weights[k], scale, true);
      }
      return { outputs, gradients };
    };
  }

  const size = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  const percent = (share) => `${share < 0.1 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;

  function sentence(reach, { outputs, gradients }) {
    const top = outputs[LAYERS - 1];
    const stuck = top.filter((value) => Math.abs(value) > 0.95).length / top.length;
    const kept = percent(size(top) / size(outputs[0]));
    const back = size(gradients[0]) / size(gradients[LAYERS - 1]);
    return `Weights up to ${reach.toFixed(2)}/√n: activations in layer 5 are ${kept} the size of those in layer 1` +
      (stuck > 0.05 ? `, and ${percent(stuck)} of them are stuck near ±1` : "") +
      (back < 1 ? `. The gradient in layer 1 is ${percent(back)} the size of that in layer 5.`
        : `. The gradient grows ${back.toFixed(1)} times from layer 5 down to layer 1.`);
  }

  function add(parent, name, properties) {
    const made = Object.assign(document.createElement(name), properties);
    parent.append(made);
    return made;
  }

  function ridges(parent) { // layer 5 at the top; each curve as high as its row, however narrow
    const svg = document.createElementNS(SVG, "svg"), row = 100 / LAYERS;
    for (const [key, value] of Object.entries({ viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }))
      svg.setAttribute(key, value);
    parent.append(svg);
    const paths = [];
    for (let k = LAYERS; k > 0; k--) {
      paths[k - 1] = document.createElementNS(SVG, "path");
      paths[k - 1].setAttribute("class", `hero-ridge hero-ridge-${k}`);
      svg.append(paths[k - 1]);
    }
    return (layers, limit) => layers.forEach((values, k) => {
      const counts = new Float32Array(BINS), foot = 100 - k * row - 1;
      for (const value of values) {
        const bin = Math.floor(((value / limit + 1) / 2) * BINS);
        if (bin >= 0 && bin < BINS) counts[bin]++;
      }
      const most = Math.max(...counts);
      const points = Array.from(counts, (count, bin) =>
        `L${(100 * (bin + 0.5) / BINS).toFixed(1)},${(foot - 0.93 * row * count / most).toFixed(1)}`);
      paths[k].setAttribute("d", `M0,${foot}${points.join("")}L100,${foot}Z`);
    });
  }

  function start(root) {
    const compute = network(), panels = document.createElement("div");
    panels.className = "hero-panels";
    root.replaceChildren(panels);
    add(panels, "p", { className: "hero-title" });
    add(panels, "p", { className: "hero-title", textContent: "What each layer puts out" });
    add(panels, "p", { className: "hero-title", textContent: "The gradient that comes back" });
    const numbers = add(panels, "div", { className: "hero-layers", ariaHidden: "true" });
    for (let k = LAYERS; k > 0; k--) add(numbers, "span", { textContent: k });
    const forward = ridges(panels), backward = ridges(panels);
    add(panels, "p", { className: "hero-foot" });
    add(panels, "p", { className: "hero-foot", textContent: "activation, from −1 to 1" });
    add(panels, "p", { className: "hero-foot", textContent: "all layers on one scale" });
    const label = add(root, "label", { className: "hero-slider", textContent: "How far the random weights reach" });
    const slider = add(label, "input", { type: "range", min: LEAST, max: MOST, step: 0.01, value: STANDARD });
    const marks = add(root, "div", { className: "hero-marks" });
    for (const [reach, textContent] of [[STANDARD, "2010’s standard"], [LINE, "the line"]]) {
      const mark = add(marks, "button", { type: "button", textContent, onclick: () => glide(reach, speak) });
      mark.style.left = `calc(${(reach - LEAST) / (MOST - LEAST)} * (100% - 16px) + 8px)`;
    }
    const said = add(root, "p", { className: "hero-said" });
    const spoken = add(root, "p", { className: "hero-spoken" });
    spoken.setAttribute("aria-live", "polite");
    root.classList.add("live");

    function show(reach) {
      slider.value = reach;
      const found = compute(reach), widths = found.gradients.map(size);
      forward(found.outputs, 1);
      backward(found.gradients, 3 * Math.max(...widths));
      said.textContent = sentence(reach, found);
      slider.setAttribute("aria-valuetext", `${reach.toFixed(2)} over the root of n`);
    }

    let moving = 0, waiting = 0; // the motion that counts; the word that is still held back
    function speak() {
      clearTimeout(waiting);
      waiting = setTimeout(() => { spoken.textContent = said.textContent; }, SILENCE);
    }
    function glide(to, then) {
      const mine = ++moving, from = Number(slider.value);
      let begun;
      function step(now) {
        if (mine !== moving) return;
        begun ??= now;
        const part = Math.min(1, (now - begun) / GLIDE);
        show(from + (to - from) * part * part * (3 - 2 * part));
        if (part < 1) requestAnimationFrame(step);
        else then?.();
      }
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) { show(to); then?.(); }
      else requestAnimationFrame(step);
    }
    slider.addEventListener("input", () => {
      const mine = ++moving; // once a frame, however often it is moved
      requestAnimationFrame(() => { if (mine === moving) show(Number(slider.value)); });
    });
    slider.addEventListener("change", speak); // at the end of a drag, or at a key
    show(STANDARD);
    setTimeout(() => { if (!moving) glide(LINE); }, PAUSE); // who was quicker is not interrupted
  }

  addEventListener("DOMContentLoaded", () => document.querySelectorAll(".xavier-hero").forEach(start));
})();
