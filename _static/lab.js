/* The laboratory: the paper's network, trained inside the page. No library, no network, no kernel.

   Jupyter Book puts this file into every page. It does nothing where there is no element of the
   class "xavier-lab". Sections: random numbers, activations and theory, the network, data, pictures,
   the three rooms. What computes is tested against the package (tests/browser/). */
(function () {
  "use strict";

  // ------------------------------------------------------------------------------ random numbers

  /** A seeded generator (sfc32): uniform numbers in [0, 1), and normal ones. */
  function Random(seed) {
    let a = 0x9e3779b9, b = 0x243f6a88, c = 0xb7e15162, d = (seed ^ 0xdeadbeef) | 0, spare = null;
    function uniform() {
      const t = (((a + b) | 0) + d) | 0;
      d = (d + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = ((c << 21) | (c >>> 11)) + t | 0;
      return (t >>> 0) / 4294967296;
    }
    for (let k = 0; k < 15; k++) uniform();
    return {
      uniform,
      below: (n) => Math.floor(uniform() * n),
      normal() {
        if (spare !== null) { const z = spare; spare = null; return z; }
        const r = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
        spare = r * Math.sin(angle);
        return r * Math.cos(angle);
      },
    };
  }

  // ---------------------------------------------------------------------- activations and theory

  const sigmoid = (s) => 1 / (1 + Math.exp(-s));
  // f, and its slope from s and z = f(s); a slope below 5 % of the steepest is saturated.
  const ACTIVATIONS = {
    sigmoid: { f: sigmoid, slope: (s, z) => z * (1 - z), steepest: 0.25, range: [0, 1] },
    tanh: { f: Math.tanh, slope: (s, z) => 1 - z * z, steepest: 1, range: [-1, 1] },
    softsign: { f: (s) => s / (1 + Math.abs(s)), slope: (s, z) => (1 - Math.abs(z)) ** 2,
                steepest: 1, range: [-1, 1] },
    relu: { f: (s) => (s < 0 ? 0 : s), slope: (s) => (s > 0 ? 1 : 0), steepest: 1, range: [0, 3] },
    identity: { f: (s) => s, slope: () => 1, steepest: 1, range: [-2, 2] },
  };
  // Variance of one weight; null where all weights are one number.
  const RULES = {
    standard: (i) => 1 / (3 * i),
    glorot: (i, o) => 2 / (i + o),
    lecun: (i) => 1 / i,
    he: (i) => 2 / i,
    "N(0,1)": () => 1,
    tiny: () => 1e-4,
    constant: null,
    zero: null,
  };

  /** E[g(sqrt(q) z)] of a standard normal z, by Simpson's rule on either side of 0, for the kinks. */
  function expectation(g, q) {
    const reach = 9, n = 3000, h = reach / n, root = Math.sqrt(q);
    let sum = 0;
    for (let k = 0; k <= n; k++) {
      const z = k ? k * h : 1e-12, w = k === 0 || k === n ? 1 : k % 2 ? 4 : 2;
      sum += w * Math.exp(-z * z / 2) * (g(root * z) + g(-root * z));
    }
    return (sum * h) / 3 / Math.sqrt(2 * Math.PI);
  }
  /** Variance of the next layer's weighted sums, with gain squared = n Var[W] (chapter 9). */
  function varianceMap(name, q, gain) {
    const { f } = ACTIVATIONS[name];
    return gain * gain * expectation((s) => f(s) ** 2, q);
  }
  /** What a layer multiplies the variance of a gradient by, on its way back. */
  function gradientMap(name, q, gain) {
    const { f, slope } = ACTIVATIONS[name];
    return gain * gain * expectation((s) => slope(s, f(s)) ** 2, q);
  }

  /** The predicted mean square of each layer's activations: the linear law, and the variance map.

      Both start from the mean square of the inputs; the linear law takes f(s) = f'(0) s. */
  function predicted(sizes, activation, rule, gain, inputs) {
    const { f, slope } = ACTIVATIONS[activation], linear = [], field = [];
    if (!RULES[rule]) return { linear, field };
    let straight = inputs, square = inputs;
    for (let i = 0; i < sizes.length - 2; i++) {
      const factor = sizes[i] * RULES[rule](sizes[i], sizes[i + 1]) * gain * gain;
      straight *= factor * slope(0, f(0)) ** 2;
      square = expectation((s) => f(s) ** 2, factor * square);
      linear.push(straight);
      field.push(square);
    }
    return { linear, field };
  }

  // --------------------------------------------------------------------------------- the network

  /** A network of dense layers with a softmax at the end, in double precision. */
  function Net(sizes, activation) {
    const layers = sizes.length - 1, { f, slope } = ACTIVATIONS[activation];
    const w = [], b = [];
    for (let i = 0; i < layers; i++) {
      w.push(new Float64Array(sizes[i] * sizes[i + 1]));
      b.push(new Float64Array(sizes[i + 1]));
    }
    let x, n = 0, s = [], z = [], delta = [], product = [];

    function draw(rule, gain, random) {
      for (let i = 0; i < layers; i++) {
        const variance = RULES[rule];
        const std = variance ? gain * Math.sqrt(variance(sizes[i], sizes[i + 1])) : 0;
        const normal = rule === "N(0,1)" || rule === "tiny", bound = Math.sqrt(3) * std;
        for (let k = 0; k < w[i].length; k++) {
          if (!variance) w[i][k] = rule === "zero" ? 0 : 0.1 * gain;
          else w[i][k] = normal ? std * random.normal() : bound * (2 * random.uniform() - 1);
        }
        b[i].fill(0);
      }
    }
    function fit(count) {
      if (count === n) return;
      n = count;
      s = []; z = []; delta = []; product = [];
      for (let i = 0; i < layers; i++)
        for (const list of [s, z, delta, product]) list.push(new Float64Array(n * sizes[i + 1]));
    }
    /** Logits (n x outputs) of inputs, row by row. */
    function forward(inputs, count) {
      fit(count);
      x = inputs;
      for (let i = 0; i < layers; i++) {
        const from = i ? z[i - 1] : x, I = sizes[i], O = sizes[i + 1], W = w[i], S = s[i];
        for (let r = 0; r < n; r++) {
          const row = r * O;
          for (let o = 0; o < O; o++) S[row + o] = b[i][o];
          for (let k = 0; k < I; k++) {
            const v = from[r * I + k];
            if (v === 0) continue;
            const at = k * O;
            for (let o = 0; o < O; o++) S[row + o] += v * W[at + o];
          }
        }
        const Z = z[i];
        if (i === layers - 1) Z.set(S);
        else for (let k = 0; k < S.length; k++) Z[k] = f(S[k]);
      }
      return z[layers - 1];
    }
    /** Mean cross-entropy, and what the wrong answers are; fills the gradient at the output. */
    function cost(labels) {
      const O = sizes[layers], logits = z[layers - 1], D = delta[layers - 1], answers = [];
      let total = 0;
      for (let r = 0; r < n; r++) {
        let top = -Infinity, best = 0, sum = 0;
        for (let o = 0; o < O; o++)
          if (logits[r * O + o] > top) { top = logits[r * O + o]; best = o; }
        for (let o = 0; o < O; o++) sum += Math.exp(logits[r * O + o] - top);
        for (let o = 0; o < O; o++)
          D[r * O + o] = (Math.exp(logits[r * O + o] - top) / sum - (o === labels[r] ? 1 : 0)) / n;
        total += Math.log(sum) + top - logits[r * O + labels[r]];
        answers.push(best);
      }
      return { cost: total / n, answers };
    }
    /** Gradients of the mean cost by the weighted sums of all layers (eq. 2). */
    function backward() {
      for (let i = layers - 1; i > 0; i--) {
        const I = sizes[i], O = sizes[i + 1], W = w[i], D = delta[i], below = delta[i - 1];
        for (let r = 0; r < n; r++)
          for (let k = 0; k < I; k++) {
            let sum = 0;
            for (let o = 0, at = k * O; o < O; o++) sum += W[at + o] * D[r * O + o];
            below[r * I + k] = sum * slope(s[i - 1][r * I + k], z[i - 1][r * I + k]);
          }
      }
      return delta;
    }
    /** One update on a batch, in place; its cost before. */
    function step(inputs, labels, lr) {
      forward(inputs, labels.length);
      const found = cost(labels).cost;
      if (!isFinite(found)) return found;
      backward();
      for (let i = 0; i < layers; i++) {
        const from = i ? z[i - 1] : x, I = sizes[i], O = sizes[i + 1], W = w[i], D = delta[i];
        for (let r = 0; r < n; r++) {
          for (let o = 0; o < O; o++) b[i][o] -= lr * D[r * O + o];
          for (let k = 0; k < I; k++) {
            const v = lr * from[r * I + k];
            if (v === 0) continue;
            for (let o = 0, at = k * O; o < O; o++) W[at + o] -= v * D[r * O + o];
          }
        }
      }
      return found;
    }
    /** Gradients of the weights of one layer, of the last batch (eq. 3). */
    function weightGradient(i) {
      const from = i ? z[i - 1] : x, I = sizes[i], O = sizes[i + 1], out = new Float64Array(I * O);
      for (let r = 0; r < n; r++)
        for (let k = 0; k < I; k++)
          for (let o = 0; o < O; o++) out[k * O + o] += from[r * I + k] * delta[i][r * O + o];
      return out;
    }
    return { sizes, activation, layers, w, b, draw, forward, cost, backward, step, weightGradient,
             get s() { return s; }, get z() { return z; }, get delta() { return delta; } };
  }

  function stats(values) {
    let mean = 0, square = 0;
    for (const v of values) { mean += v; square += v * v; }
    mean /= values.length; square /= values.length;
    return { mean, square, std: Math.sqrt(Math.max(square - mean * mean, 0)) };
  }
  function percentile(values, share) {
    const sorted = Float64Array.from(values).sort();
    return sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
  }
  function saturated(net, i) {
    const { slope, steepest } = ACTIVATIONS[net.activation];
    let count = 0;
    for (let k = 0; k < net.s[i].length; k++)
      if (slope(net.s[i][k], net.z[i][k]) < 0.05 * steepest) count++;
    return count / net.s[i].length;
  }

  // ---------------------------------------------------------------------------------------- data

  const PLANE = {
    circles(random) {
      const label = random.below(2), angle = 2 * Math.PI * random.uniform();
      const r = (label ? 0.85 : 0.35) + 0.08 * random.normal();
      return [r * Math.cos(angle), r * Math.sin(angle), label];
    },
    spirals(random) {
      const label = random.below(2), t = Math.sqrt(random.uniform()), turn = 3 * Math.PI * t;
      const angle = turn + label * Math.PI;
      return [t * Math.cos(angle) + 0.03 * random.normal(),
              t * Math.sin(angle) + 0.03 * random.normal(), label];
    },
    xor(random) {
      const x = 2 * random.uniform() - 1, y = 2 * random.uniform() - 1;
      return [x, y, x * y > 0 ? 1 : 0];
    },
    blobs(random) {
      const label = random.below(2);
      return [(label ? 0.45 : -0.45) + 0.22 * random.normal(),
              (label ? 0.45 : -0.45) + 0.22 * random.normal(), label];
    },
  };
  function planeBatch(name, random, n) {
    const x = new Float64Array(2 * n), y = [];
    for (let k = 0; k < n; k++) {
      const [a, b, label] = PLANE[name](random);
      x[2 * k] = 2 * a; x[2 * k + 1] = 2 * b; y.push(label);
    }
    return { x, y };
  }

  const SIZE = 32, CORNERS = [3, 4, 20];
  const CLASSES = ["triangle", "parallelogram", "ellipse", "two triangles",
    "triangle, parallelogram", "triangle, ellipse", "two parallelograms",
    "parallelogram, ellipse", "two ellipses"];

  /** The corners of an object: a regular polygon turned, stretched, turned and shifted. */
  function place(random, shape, before, angle) {
    const sx = 0.2 + 0.6 * random.uniform(), sy = 0.2 + 0.6 * random.uniform();
    const n = CORNERS[shape], points = [];
    let lowX = 9, highX = -9, lowY = 9, highY = -9;
    for (let k = 0; k < n; k++) {
      const a = (2 * Math.PI * k) / n + before;
      const u = 0.5 * sx * Math.cos(a), v = 0.5 * sy * Math.sin(a);
      const px = u * Math.cos(angle) - v * Math.sin(angle);
      const py = u * Math.sin(angle) + v * Math.cos(angle);
      points.push([px, py]);
      lowX = Math.min(lowX, px); highX = Math.max(highX, px);
      lowY = Math.min(lowY, py); highY = Math.max(highY, py);
    }
    const margin = 1 / 32;
    const dx = margin - lowX + random.uniform() * (1 - 2 * margin - highX + lowX);
    const dy = margin - lowY + random.uniform() * (1 - 2 * margin - highY + lowY);
    return points.map(([px, py]) => [px + dx, py + dy]);
  }
  /** Which pixels of each row lie inside a convex polygon: first, and first behind. */
  function spans(points) {
    const rows = [];
    for (let row = 0; row < SIZE; row++) {
      const y = (row + 0.5) / SIZE;
      let left = Infinity, right = -Infinity;
      for (let k = 0; k < points.length; k++) {
        const [x0, y0] = points[k], [x1, y1] = points[(k + 1) % points.length];
        if ((y0 <= y) === (y1 <= y)) continue;
        const at = x0 + ((y - y0) * (x1 - x0)) / (y1 - y0);
        left = Math.min(left, at); right = Math.max(right, at);
      }
      rows.push(left > right ? [0, 0]
        : [Math.max(0, Math.ceil(left * SIZE - 0.5)), Math.min(SIZE, Math.ceil(right * SIZE - 0.5))]);
    }
    return rows;
  }
  function covered(first, second) {
    let both = 0, area = 0;
    for (let row = 0; row < SIZE; row++) {
      const [a, b] = first[row], [c, d] = second[row];
      both += Math.max(0, Math.min(b, d) - Math.max(a, c));
      area += b - a;
    }
    return both / area;
  }
  /** One image of Shapeset-3x2 into `out`, and its label (chapter 2). */
  function shapesetImage(random, out, at) {
    const dark = () => random.below(115), bright = () => 140 + random.below(116);
    const [back, front] = random.below(2) ? [bright, dark] : [dark, bright];
    out.fill(back() / 127.5 - 1, at, at + SIZE * SIZE);
    const two = random.below(2) === 1, shapes = [random.below(3), random.below(3)], drawn = [];
    for (let k = 0; k < (two ? 2 : 1); k++) {
      const shape = shapes[k], before = (random.uniform() * 2 * Math.PI) / CORNERS[shape];
      const angle = (random.below(255) * 2 * Math.PI) / 255;
      let rows;
      do rows = spans(place(random, shape, before, angle));
      while (k && covered(drawn[0], rows) > 0.5);
      drawn.push(rows);
      const grey = front() / 127.5 - 1;
      rows.forEach(([a, b], row) => out.fill(grey, at + row * SIZE + a, at + row * SIZE + b));
    }
    if (!two) return shapes[0];
    const low = Math.min(...shapes), high = Math.max(...shapes);
    return 3 + low * 3 - (low * (low - 1)) / 2 + high - low;
  }
  function shapesetBatch(random, n) {
    const x = new Float64Array(n * SIZE * SIZE), y = [];
    for (let k = 0; k < n; k++) y.push(shapesetImage(random, x, k * SIZE * SIZE));
    return { x, y };
  }

  // ------------------------------------------------------------------------------------ settings

  const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
  const CHOICES = {
    room: ["plane", "paper", "film"],
    data: Object.keys(PLANE),
    activation: Object.keys(ACTIVATIONS),
    rule: Object.keys(RULES),
  };
  const LIMITS = { // least, most, whether whole
    depth: [1, 10, true], width: [2, 100, true], gain: [0.01, 100, false],
    lr: [1e-4, 10, false], batch: [1, 100, true], seed: [0, 99999, true],
  };
  const DEFAULTS = {
    plane: { room: "plane", data: "circles", activation: "tanh", rule: "glorot", gain: 1, depth: 4,
             width: 8, lr: 0.1, batch: 10, seed: 1 },
    paper: { room: "paper", data: "circles", activation: "tanh", rule: "glorot", gain: 1, depth: 5,
             width: 50, lr: 0.03, batch: 10, seed: 1 },
    film: { room: "film" },
  };
  const MOST = { plane: { depth: 10, width: 32 }, paper: { depth: 8, width: 100 } };

  /** Settings from "a=b&c=d", what is out of range put into it, and what was done to them. */
  function parse(text) {
    const given = new URLSearchParams(text), notes = [];
    const room = CHOICES.room.includes(given.get("room")) ? given.get("room") : "plane";
    const found = { ...DEFAULTS[room] };
    for (const [key, value] of given) {
      if (key === "room" || key === "movie") { if (key === "movie") found.movie = value; continue; }
      if (CHOICES[key]) {
        if (CHOICES[key].includes(value)) found[key] = value;
        else notes.push(`${key} cannot be "${value}"; it is ${found[key]}`);
      } else if (LIMITS[key]) {
        const [least, most, whole] = LIMITS[key], top = (MOST[room] || {})[key] || most;
        let number = Number(value);
        if (value === "" || !isFinite(number)) {
          notes.push(`${key} cannot be "${value}"; it is ${found[key]}`);
          continue;
        }
        if (whole) number = Math.round(number);
        const inside = Math.min(Math.max(number, least), top);
        if (inside !== number) notes.push(`${key} is ${inside}, and not ${value}`);
        found[key] = inside;
      }
    }
    return { settings: found, notes };
  }
  function format(settings) {
    return Object.entries(settings).map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join("&");
  }
  const PYTHON_RULES = { standard: "standard", glorot: "glorot", lecun: "lecun", he: "he" };
  /** The Python call that runs the same setting with the package; its draws are others. */
  function python(v) {
    if (!PYTHON_RULES[v.rule]) return "# The package has no rule like this one: it is none to train with.";
    const hidden = `[${v.width}] * ${v.depth}`;
    return [
      "from xavier.network import Network", "from xavier.shapeset import Shapeset",
      "from xavier.training import train", "",
      "# The same setting as in the laboratory; seeds mean other draws there.",
      `network = Network.create([1024, *${hidden}, 9], "${v.activation}", "${v.rule}", ` +
        `seeds=[${v.seed}], gain=${v.gain})`,
      "test = Shapeset(seed=10**6).batch(1000)",
      `rows = train(network, {${v.seed}: Shapeset(seed=${v.seed})}, lr=${v.lr}, updates=5000,`,
      `             batch_size=${v.batch}, test=test, every=500)`,
      `print(rows[rows.quantity == "test_error"])`,
    ].join("\n");
  }

  // ---------------------------------------------------------------------------------- experiment

  const PARTS = 4; // of what is too long for one frame: the test set, the plane

  /** A network in training: data, steps, and what can be measured of it. */
  function Experiment(v) {
    const paper = v.room === "paper";
    const sizes = [paper ? SIZE * SIZE : 2, ...Array(v.depth).fill(v.width), paper ? 9 : 2];
    const net = Net(sizes, v.activation), random = Random(v.seed), fresh = Random(v.seed + 777);
    net.draw(v.rule, v.gain, random);
    const batch = (from, n) => (paper ? shapesetBatch(from, n) : planeBatch(v.data, from, n));
    const test = batch(Random(4242), paper ? 100 : 200), probe = batch(Random(31), paper ? 50 : 200);
    const me = { v, net, sizes, test, steps: 0, diverged: null, cost: NaN, history: [] };
    me.step = function () {
      if (me.diverged !== null) return;
      const { x, y } = batch(random, v.batch);
      me.cost = net.step(x, y, v.lr);
      me.steps++;
      if (!isFinite(me.cost)) me.diverged = me.steps;
    };
    /**
     * Signals and gradients by layer on a set that stays, and the error on the test set, in pieces
     * that fit into a frame each; the last gives `done` what was found. Signals, gradients and cost
     * are of one network, that of the first piece; a few updates later, in training, the error is
     * counted.
     */
    me.measuring = function (done) {
      const rows = [], answers = [], part = test.y.length / PARTS, inputs = sizes[0];
      let cost;
      const ask = (_, k) => () => {
        const from = k * part, to = from + part;
        net.forward(test.x.subarray(inputs * from, inputs * to), part);
        answers.push(...net.cost(test.y.slice(from, to)).answers);
      };
      return [
        () => {
          net.forward(probe.x, probe.y.length);
          ({ cost } = net.cost(probe.y));
          const delta = net.backward();
          for (let i = 0; i < v.depth; i++)
            rows.push({ saturated: saturated(net, i), z: net.z[i].slice(), delta: delta[i].slice() });
        },
        () => {
          for (const row of rows) {
            const { mean, std, square } = stats(row.z), gradient = stats(row.delta).std * probe.y.length;
            Object.assign(row, { mean, std, square, gradient, p98: percentile(row.z, 0.98) });
          }
        },
        ...Array.from({ length: PARTS }, ask),
        () => {
          const error = answers.filter((a, k) => a !== test.y[k]).length / test.y.length;
          if (!isFinite(cost) && me.diverged === null) me.diverged = me.steps;
          done({ rows, error, answers, cost });
        },
      ];
    };
    me.measure = function () {
      let found;
      for (const piece of me.measuring((all) => { found = all; })) piece();
      return found;
    };
    me.predicted = () => predicted(sizes, v.activation, v.rule, v.gain, stats(probe.x).square);
    me.record = function (found) {
      const short = found.rows.map(({ mean, std, p98, saturated, gradient, square }) =>
        ({ mean, std, p98, saturated, gradient, square }));
      me.history.push({ step: me.steps, error: found.error, cost: found.cost, rows: short });
      if (me.history.length > 400) me.history = me.history.filter((_, k) => k % 2 === 0);
    };
    me.grid = function (n) {
      const { x, y } = batch(fresh, n);
      net.forward(x, n);
      return { x, y, answers: net.cost(y).answers };
    };
    return me;
  }

  // ------------------------------------------------------------------------------------ pictures

  // Okabe and Ito's colours, as in the book's figures; the same for a layer everywhere.
  const HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A",
                "#B2A300", "#7B4EA3", "#00A0A0"];

  /** A canvas with a role and a name, and a place to draw in device pixels. */
  function Panel(parent, title, height) {
    const figure = make("figure", { className: "lab-panel" }, parent);
    const caption = make("figcaption", { textContent: title }, figure);
    const canvas = make("canvas", {}, figure);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title);
    let last = null;
    const panel = {
      canvas, figure,
      name(text) { title = caption.textContent = text; canvas.setAttribute("aria-label", text); },
      say: (text) => canvas.setAttribute("aria-label", `${title}: ${text}`),
      draw(paint) {
        last = paint;
        if (figure.hidden) return;
        const width = canvas.clientWidth || 280, scale = window.devicePixelRatio || 1;
        const w = Math.round(width * scale), h = Math.round(height * scale);
        if (canvas.width !== w || canvas.height !== h) {
          canvas.width = w; canvas.height = h;
          canvas.style.height = `${height}px`;
        }
        const pen = canvas.getContext("2d"), style = getComputedStyle(figure);
        pen.setTransform(scale, 0, 0, scale, 0, 0);
        pen.clearRect(0, 0, width, height);
        pen.font = "11px system-ui, sans-serif";
        const ink = style.color;
        paint({ pen, width, height, ink, faint: style.getPropertyValue("--lab-faint") || "#8886" });
      },
    };
    // What was drawn for another width is drawn again, whatever has changed it: the window, a side
    // bar, a style sheet that came late.
    new ResizeObserver(() => {
      const width = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
      if (last && width && width !== canvas.width) panel.draw(last);
    }).observe(canvas);
    return panel;
  }
  const clamp = (x, a, b) => Math.min(Math.max(x, a), b);

  /** Lines over layers or time, on a linear or logarithmic axis, with ticks in words. */
  function chart(at, series, { log, low, high, xs, xlabel }) {
    const { pen, width, height, ink, faint } = at, left = 40, right = 8, top = 8, bottom = 24;
    const y = (v) => {
      const t = log ? (Math.log10(Math.max(v, 1e-30)) - low) / (high - low) : (v - low) / (high - low);
      return height - bottom - clamp(t, -0.02, 1.02) * (height - top - bottom);
    };
    const x = (k) => left + ((width - left - right) * (k - xs[0])) / Math.max(xs[1] - xs[0], 1e-9);
    pen.strokeStyle = faint; pen.fillStyle = ink; pen.lineWidth = 1; pen.textAlign = "right";
    const step = log ? Math.max(1, Math.ceil((high - low) / 4)) : (high - low) / 4;
    for (let v = low; v <= high + 1e-9; v += step) {
      const h = y(log ? 10 ** v : v);
      pen.beginPath(); pen.moveTo(left, h); pen.lineTo(width - right, h); pen.stroke();
      pen.fillText(log ? `1e${v}` : +v.toFixed(2), left - 4, h + 4);
    }
    pen.textAlign = "center";
    pen.fillText(xlabel, (left + width) / 2, height - 4);
    pen.textAlign = "left"; pen.fillText(xs[0], left, height - 4);
    pen.textAlign = "right"; pen.fillText(xs[1], width - right, height - 4);
    for (const { points, colour, dash, dots, wide } of series) {
      pen.strokeStyle = pen.fillStyle = colour; pen.lineWidth = wide || 1.6; pen.setLineDash(dash || []);
      pen.beginPath();
      let open = false;
      for (const [k, v] of points) {
        if (!isFinite(v)) { open = false; continue; }
        if (open) pen.lineTo(x(k), y(v)); else pen.moveTo(x(k), y(v));
        open = true;
      }
      pen.stroke(); pen.setLineDash([]);
      if (dots) for (const [k, v] of points) if (isFinite(v)) {
        pen.beginPath(); pen.arc(x(k), y(v), 3, 0, 7); pen.fill();
      }
    }
    return { x, y, back: (py) => {
      const t = (height - bottom - py) / (height - top - bottom), v = low + t * (high - low);
      return log ? 10 ** v : v;
    } };
  }
  function message(at, text) {
    at.pen.fillStyle = at.ink; at.pen.textAlign = "center";
    at.pen.fillText(text, at.width / 2, at.height / 2);
  }
  /** A histogram for each layer, one above the other, the first layer at the bottom. */
  function histograms(at, layers, low, high, density) {
    const { pen, width, height, ink } = at, n = layers.length, band = (height - 18) / n, bins = 40;
    layers.forEach((values, i) => {
      let counts = values;
      if (!density) {
        counts = new Float64Array(bins);
        for (const v of values)
          if (isFinite(v)) counts[clamp(Math.floor(((v - low) / (high - low)) * bins), 0, bins - 1)]++;
      }
      const most = Math.max(...counts, 1e-12), base = (n - i) * band, w = (width - 30) / counts.length;
      pen.fillStyle = HUES[i % HUES.length];
      counts.forEach((c, k) => {
        const h = (c / most) * (band - 3);
        pen.fillRect(26 + k * w, base - h, Math.max(w - 0.5, 0.5), h);
      });
      pen.fillStyle = ink; pen.textAlign = "right"; pen.fillText(i + 1, 20, base - 2);
    });
    pen.fillStyle = ink; pen.textAlign = "left"; pen.fillText(short(low), 26, height - 3);
    pen.textAlign = "right"; pen.fillText(short(high), width - 4, height - 3);
  }
  const short = (v) => (v === 0 ? "0" : Math.abs(v) < 0.01 || Math.abs(v) >= 1e4 ? v.toExponential(0) : String(+v.toPrecision(2)));

  function network(at, net, byGradient) {
    const { pen, width, height, ink } = at, sizes = net.sizes, shown = sizes.map((n) => Math.min(n, 12));
    const px = (i) => 14 + (i * (width - 28)) / (sizes.length - 1);
    const py = (i, k) => (height * (k + 1)) / (shown[i] + 1);
    for (let i = 0; i < net.layers; i++) {
      const values = byGradient ? net.weightGradient(i) : net.w[i];
      let most = 1e-30;
      for (const v of values) if (isFinite(v)) most = Math.max(most, Math.abs(v));
      for (let k = 0; k < shown[i]; k++)
        for (let o = 0; o < shown[i + 1]; o++) {
          const v = values[k * sizes[i + 1] + o] / most;
          pen.strokeStyle = v >= 0 ? "#0072B2" : "#D55E00";
          pen.globalAlpha = clamp(Math.abs(v), 0.03, 1);
          pen.lineWidth = 0.4 + 1.4 * Math.abs(v);
          pen.beginPath(); pen.moveTo(px(i), py(i, k)); pen.lineTo(px(i + 1), py(i + 1, o)); pen.stroke();
        }
    }
    pen.globalAlpha = 1; pen.fillStyle = ink;
    sizes.forEach((_, i) => {
      for (let k = 0; k < shown[i]; k++) { pen.beginPath(); pen.arc(px(i), py(i, k), 2.5, 0, 7); pen.fill(); }
    });
  }
  const MESH = 40, mesh = new Float64Array(2 * MESH * MESH);
  for (let r = 0; r < MESH; r++) for (let c = 0; c < MESH; c++) {
    mesh[2 * (r * MESH + c)] = -2.5 + (5 * (c + 0.5)) / MESH;
    mesh[2 * (r * MESH + c) + 1] = 2.5 - (5 * (r + 0.5)) / MESH;
  }
  /** What the network says in a stripe of the plane; in training the next comes a few updates later. */
  function scan(experiment, stripe) {
    const count = (MESH * MESH) / PARTS, from = stripe * count;
    experiment.seen ||= new Float64Array(MESH * MESH);
    const out = experiment.net.forward(mesh.subarray(2 * from, 2 * (from + count)), count);
    for (let k = 0; k < count; k++) experiment.seen[from + k] = 1 / (1 + Math.exp(out[2 * k] - out[2 * k + 1]));
  }
  function boundary(at, experiment) {
    const { pen, width, height } = at;
    const side = Math.min(width, height), x0 = (width - side) / 2;
    const edge = (k) => Math.round((k * side) / MESH); // cells meet on whole pixels: no mesh is seen
    for (let k = 0; k < MESH * MESH; k++) {
      const column = k % MESH, row = Math.floor(k / MESH);
      const p = experiment.seen[k];
      pen.fillStyle = p >= 0.5 ? "#0072B2" : "#E69F00";
      pen.globalAlpha = isFinite(p) ? 0.12 + 0.6 * Math.abs(p - 0.5) : 0;
      pen.fillRect(
        Math.round(x0) + edge(column), edge(row),
        edge(column + 1) - edge(column), edge(row + 1) - edge(row),
      );
    }
    pen.globalAlpha = 1;
    const { x, y } = experiment.test;
    y.forEach((label, k) => {
      pen.fillStyle = label ? "#0072B2" : "#E69F00"; pen.strokeStyle = "#fff"; pen.lineWidth = 0.7;
      pen.beginPath();
      pen.arc(x0 + ((x[2 * k] + 2.5) / 5) * side, ((2.5 - x[2 * k + 1]) / 5) * side, 2.6, 0, 7);
      pen.fill(); pen.stroke();
    });
  }
  const tile = typeof document === "undefined" ? null : document.createElement("canvas");
  function images(at, { x, y, answers }) {
    const { pen, width } = at, across = Math.max(4, Math.floor(width / 46)), side = width / across;
    tile.width = tile.height = SIZE;
    const brush = tile.getContext("2d"), pixels = brush.createImageData(SIZE, SIZE);
    pen.imageSmoothingEnabled = false;
    y.forEach((label, k) => {
      for (let j = 0; j < SIZE * SIZE; j++) {
        const grey = Math.round((x[k * SIZE * SIZE + j] + 1) * 127.5);
        pixels.data.set([grey, grey, grey, 255], 4 * j);
      }
      brush.putImageData(pixels, 0, 0);
      const cx = (k % across) * side, cy = Math.floor(k / across) * side, right = answers[k] === label;
      pen.drawImage(tile, cx + 5, cy + 5, side - 10, side - 10);
      pen.strokeStyle = right ? "#009E73" : "#D55E00"; pen.lineWidth = right ? 1.5 : 3;
      pen.setLineDash(right ? [] : [4, 2]);
      pen.strokeRect(cx + 3, cy + 3, side - 6, side - 6); pen.setLineDash([]);
    });
  }

  // ------------------------------------------------------------------------------------ controls

  function make(tag, properties, parent) {
    const element = Object.assign(document.createElement(tag), properties);
    if (parent) parent.appendChild(element);
    return element;
  }
  let serial = 0;
  function labelled(parent, text, control) {
    const box = make("div", { className: "lab-control" }, parent), id = `lab-${serial++}`;
    control.id = id;
    make("label", { htmlFor: id, textContent: text }, box);
    box.appendChild(control);
    return box;
  }
  const NAMES = { data: "data", activation: "activation", rule: "initial weights", gain: "gain",
                  depth: "hidden layers", width: "width", lr: "learning rate", batch: "batch",
                  seed: "seed" };
  const RULE_NAMES = { standard: "standard, 1/(3 n_in)", glorot: "Glorot, 2/(n_in + n_out)",
    lecun: "LeCun, 1/n_in", he: "He, 2/n_in", "N(0,1)": "N(0, 1)", tiny: "tiny, std 0.01",
    constant: "all 0.1", zero: "all zero" };

  /** Controls for some of the settings; `changed` is called with the key and its value. */
  function controls(parent, v, keys, changed) {
    const fields = {};
    for (const key of keys) {
      let field;
      if (CHOICES[key] || key === "lr") {
        field = make("select", {});
        const all = key === "lr" ? [...new Set([...RATES, v.lr])].sort((a, b) => a - b) : CHOICES[key];
        for (const option of all)
          make("option", { value: option, textContent: RULE_NAMES[option] || option }, field);
        field.value = v[key];
        field.onchange = () => changed(key, key === "lr" ? Number(field.value) : field.value);
        labelled(parent, NAMES[key], field);
      } else if (key === "gain") {
        field = make("input", { type: "range", min: -2, max: 2, step: 0.05, value: Math.log10(v.gain) });
        const box = labelled(parent, NAMES.gain, field), out = make("output", {}, box);
        const show = () => {
          out.textContent = short(v.gain);
          field.setAttribute("aria-valuetext", `gain ${short(v.gain)}`);
        };
        show();
        field.oninput = () => { v.gain = +(10 ** field.value).toPrecision(3); show(); };
        field.onchange = () => changed("gain", v.gain);
      } else {
        const [least, most] = LIMITS[key], top = (MOST[v.room] || {})[key] || most;
        field = make("input", { type: "number", min: least, max: top, step: 1, value: v[key] });
        field.onchange = () => {
          const n = clamp(Math.round(Number(field.value)) || least, least, top);
          field.value = n;
          changed(key, n);
        };
        labelled(parent, NAMES[key], field);
      }
      fields[key] = field;
    }
    return fields;
  }

  // ------------------------------------------------------------------------------------ the rooms

  const still = window.matchMedia ? window.matchMedia("(prefers-reduced-motion: reduce)") : { matches: false };

  /** One network on the page: its experiment and its pictures. */
  function Arm(parent, v, title, only) {
    const box = make("section", { className: "lab-arm" }, parent);
    if (title) make("h4", { textContent: title }, box);
    const own = make("div", { className: "lab-controls" }, box), grid = make("div", { className: "lab-grid" }, box);
    const arm = { v, box, own, guess: null, byGradient: false };
    const panels = v.room === "plane"
      ? { net: Panel(grid, "The network, colour by weight", 170), map: Panel(grid, "Decision boundary", 170) }
      : { acts: Panel(grid, "Activations, layer by layer", 190), backs: Panel(grid, "Back-propagated gradients", 190) };
    panels.signal = Panel(grid, "Signal by layer: grey at birth, orange now; line predicted, dotted linear", 170);
    panels.gradient = Panel(grid, "Gradient by layer", 150);
    panels.error = Panel(grid, "Test error (line), cost (dashed, scaled)", 150);
    if (v.room === "paper") {
      panels.time = Panel(grid, "", 150);
      panels.faces = Panel(grid, "New images: solid frame right, dashed frame wrong", 150);
    }
    for (const [name, { figure }] of Object.entries(panels)) {
      figure.hidden = only.length > 0 && !only.includes(name);
      figure.style.order = only.indexOf(name);
    }
    arm.panels = panels;
    // Of the sigmoid the paper shows the mean over time (figure 2), of the others where they end (3).
    const moves = () => (arm.v.activation === "sigmoid" ? "mean" : "p98");
    arm.reset = function () {
      arm.experiment = Experiment(arm.v);
      arm.found = arm.experiment.measure();
      arm.theory = arm.experiment.predicted();
      arm.experiment.record(arm.found);
      if (panels.time)
        panels.time.name(`${moves() === "mean" ? "Mean" : "98th percentile"} (lines), saturated share (dashed) over time`);
      arm.draw();
    };
    arm.measuring = () =>
      arm.experiment.measuring((found) => { arm.found = found; arm.experiment.record(found); });
    arm.look = () => { for (const piece of arm.measuring()) piece(); arm.draw(); };
    arm.draw = () => { for (const draw of arm.pictures()) draw(); };
    arm.state = function () {
      const e = arm.experiment;
      if (e.diverged !== null) return `diverged at step ${e.diverged}`;
      const cost = isFinite(arm.found.cost) ? arm.found.cost.toFixed(3) : "not a number";
      return `step ${e.steps}, cost ${cost}, wrong on ${(100 * arm.found.error).toFixed(0)} percent`;
    };
    /** Functions that draw the panels: while training, a frame calls some of them. */
    arm.pictures = function () {
      const { experiment: e, found, theory } = arm, depth = arm.v.depth, last = e.diverged !== null;
      const rows = found.rows, gone = `diverged at step ${e.diverged}`, all = [];
      const picture = (panel, paint) => { all.push(() => panel.draw(paint)); };
      if (panels.net) {
        picture(panels.net, (at) => {
          if (arm.byGradient) { e.net.forward(e.test.x, e.test.y.length); e.net.cost(e.test.y); e.net.backward(); }
          if (last) message(at, gone); else network(at, e.net, arm.byGradient);
        });
        if (!last && !panels.map.figure.hidden)
          for (let k = 0; k < PARTS; k++) all.push(() => scan(e, k));
        picture(panels.map, (at) => (last ? message(at, gone) : boundary(at, e)));
      } else {
        const [low, high] = ACTIVATIONS[arm.v.activation].range;
        picture(panels.acts, (at) => (last ? message(at, gone) : histograms(at, rows.map((r) => r.z), low, high)));
        const reach = 2.5 * Math.max(...rows.map((r) => r.gradient / 50).filter(isFinite), 1e-30);
        picture(panels.backs, (at) => (last ? message(at, gone) : histograms(at, rows.map((r) => r.delta), -reach, reach)));
      }
      const root = (list) => list.map((q, i) => [i + 1, Math.sqrt(q)]);
      const signal = rows.map((r, i) => [i + 1, Math.sqrt(r.square)]), back = rows.map((r, i) => [i + 1, r.gradient]);
      const ends = (lists) => {
        const logs = lists.flat().map(([, v]) => Math.log10(v)).filter(isFinite);
        const low = Math.floor(Math.min(...logs, -1)), high = Math.ceil(Math.max(...logs, 0));
        return { low: Math.max(low, -12), high: Math.max(high, low + 1) };
      };
      const xs = [1, Math.max(depth, 2)], guess = (arm.guess || []).map((g, i) => [i + 1, g]);
      const start = e.history[0].rows.map((r, i) => [i + 1, Math.sqrt(r.square)]);
      picture(panels.signal, (at) => {
        const lines = [
          { points: root(theory.linear), colour: at.ink, dash: [2, 3] },
          { points: root(theory.field), colour: HUES[0] },
          { points: start, colour: HUES[6], dots: true, wide: 0.01 },
          { points: signal, colour: HUES[1], dots: true, wide: 1 },
          { points: guess, colour: HUES[3], dash: [5, 3], dots: true }];
        arm.axis = chart(at, lines, { log: true, xs, xlabel: "layer", ...ends(lines.map((l) => l.points)) });
      });
      picture(panels.gradient, (at) => chart(at, [{ points: back, colour: HUES[2], dots: true }],
        { log: true, xs, xlabel: "layer", ...ends([back]) }));
      const steps = [0, Math.max(e.steps, 1)], past = e.history, top = arm.v.room === "paper" ? 3 : 1.4;
      picture(panels.error, (at) => {
        chart(at, [
          { points: past.map((h) => [h.step, h.error]), colour: HUES[1], wide: 2 },
          { points: past.map((h) => [h.step, h.cost / top]), colour: HUES[0], dash: [4, 3] }],
        { low: 0, high: 1, xs: steps, xlabel: "updates" });
        if (last) message(at, gone);
      });
      if (panels.time) {
        const lines = [];
        for (let i = 0; i < depth; i++) {
          lines.push({ points: past.map((h) => [h.step, Math.abs(h.rows[i][moves()])]), colour: HUES[i % 10] });
          lines.push({ points: past.map((h) => [h.step, h.rows[i].saturated]), colour: HUES[i % 10], dash: [2, 3] });
        }
        picture(panels.time, (at) => chart(at, lines, { low: 0, high: 1, xs: steps, xlabel: "updates" }));
        picture(panels.faces, (at) => {
          const across = Math.max(4, Math.floor(at.width / 46));
          if (last) message(at, gone); else images(at, e.grid(across * Math.max(1, Math.floor(150 / (at.width / across)))));
        });
      }
      return all;
    };
    arm.speak = function () {
      const list = (rows, f) => rows.map((r, i) => `layer ${i + 1} ${short(f(r))}`).join(", ");
      const { rows } = arm.found;
      panels.signal.say(list(rows, (r) => Math.sqrt(r.square)));
      panels.gradient.say(list(rows, (r) => r.gradient));
      panels.error.say(arm.state());
      if (panels.acts) panels.acts.say("saturated share " + list(rows, (r) => r.saturated));
    };
    return arm;
  }

  function Room(host, v, notes) {
    host.replaceChildren();
    host.classList.add("lab-live");
    const head = make("div", { className: "lab-head" }, host);
    const shared = make("div", { className: "lab-controls" }, head), buttons = make("div", { className: "lab-buttons" }, head);
    const note = make("p", { className: "lab-note" }, host), live = make("p", { className: "lab-status" }, host);
    note.setAttribute("role", "status");
    live.setAttribute("role", "status"); live.setAttribute("aria-live", "polite");
    note.textContent = notes.length ? `Put right: ${notes.join("; ")}.` : "";
    const stage = make("div", { className: "lab-stage" }, host);
    // A smaller instance names its panels and its controls, and leads to the whole laboratory.
    const words = (text) => (text || "").split(" ").filter(Boolean);
    const only = words(host.dataset.panels), offered = words(host.dataset.controls);
    host.classList.toggle("lab-small", only.length > 0);
    const offer = (keys) => (offered.length ? keys.filter((key) => offered.includes(key)) : keys);
    let arms = [], running = false, spoken = 0, frame = 0, ahead = 10, due = [];

    const common = (v.room === "plane" ? ["data"] : []).concat(["depth", "width", "batch", "seed"]);
    const single = ["activation", "rule", "gain", "lr"];
    const button = (text, act) => { const b = make("button", { type: "button", textContent: text }, buttons); b.onclick = act; return b; };

    function build(settings) {
      stage.replaceChildren();
      stage.classList.toggle("lab-race", settings.length > 1);
      arms = settings.map((own, k) => {
        const arm = Arm(stage, own, settings.length > 1 ? `Network ${"AB"[k]}` : "", only);
        controls(arm.own, own, offer(single), (key, value) => { own[key] = value; reset(); });
        if (v.room === "plane" || k === 0) pointer(arm);
        return arm;
      });
      reset();
    }
    function reset() {
      pause();
      for (const arm of arms) { for (const key of common) arm.v[key] = v[key]; arm.guess = null; arm.reset(); arm.speak(); }
      score.textContent = "";
      remember();
      say();
    }
    function remember() {
      Object.assign(v, arms[0].v);
      if (host.dataset.main !== undefined) history.replaceState(null, "", "#" + format(v));
      whole.href = "laboratory.html#" + format(v);
    }
    function say() { live.textContent = arms.map((arm, k) => (arms.length > 1 ? `${"AB"[k]}: ` : "") + arm.state()).join("; ") + "."; }
    function advance(count) { for (const arm of arms) for (let k = 0; k < count; k++) arm.experiment.step(); }
    function tick(now) {
      if (!running) return;
      // Some of what is due, and as many updates as fit into a part of a frame; the rest of it is
      // the browser's, which paints what was drawn, and the reader's.
      const start = performance.now(), late = (ms = 11) => performance.now() - start > ms;
      while (due.length && !late(3)) due.shift()();
      let done = 0;
      do { advance(1); done++; } while (done < ahead && !late());
      const quiet = still.matches ? 600 : 180;
      if (now - frame > quiet && !due.length) {
        frame = now;
        due = arms.flatMap((arm) => [...arm.measuring(), () => due.push(...arm.pictures())]);
        if (now - spoken > 4000) { spoken = now; say(); for (const arm of arms) arm.speak(); }
        if (arms.every((arm) => arm.experiment.diverged !== null)) halt();
      }
      ahead = v.room === "plane" ? 200 : 20;
      requestAnimationFrame(tick);
    }
    function start() {
      if (arms.some((arm) => arm.guess)) judge();
      running = true; train.textContent = "Pause"; train.setAttribute("aria-pressed", "true");
      requestAnimationFrame(tick);
    }
    function pause() {
      running = false; due = []; train.textContent = "Train"; train.setAttribute("aria-pressed", "false");
    }
    /** Pause, and show and say where the networks are. */
    function halt() {
      pause();
      for (const arm of arms) { arm.look(); arm.speak(); }
      say();
    }
    function judge() {
      const arm = arms[0], offs = arm.guess.map((g, i) => Math.abs(Math.log10(g / Math.sqrt(arm.found.rows[i].square))));
      const off = 10 ** (offs.reduce((a, b) => a + b, 0) / offs.length);
      score.textContent = isFinite(off) ? `Your curve is off by a factor of ${off.toFixed(1)} a layer.` : "A signal of zero is off any scale.";
    }
    /** Draw the expected curve over the layers with a pointer. */
    function pointer(arm) {
      const canvas = arm.panels.signal.canvas;
      const put = (event) => {
        const box = canvas.getBoundingClientRect(), depth = arm.v.depth;
        const layer = clamp(Math.round(1 + ((event.clientX - box.left - 40) / (box.width - 48)) * (Math.max(depth, 2) - 1)), 1, depth);
        arm.guess = arm.guess || Array(depth).fill(NaN);
        arm.guess[layer - 1] = arm.axis.back(event.clientY - box.top);
        arm.guess = fill(arm.guess);
        arm.draw();
        if (arm === arms[0]) judge();
      };
      canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); put(e); });
      canvas.addEventListener("pointermove", (e) => { if (e.buttons) put(e); });
      canvas.style.touchAction = "none";
    }
    /** Layers that were not drawn take the nearest that was. */
    function fill(list) {
      return list.map((g, i) => {
        if (isFinite(g)) return g;
        for (let d = 1; d < list.length; d++)
          for (const k of [i - d, i + d]) if (isFinite(list[k])) return list[k];
        return 1;
      });
    }

    const whole = make("a", { textContent: "The same in the laboratory" }), fold = make("details", { className: "lab-guess" });
    const train = button("Train", () => { if (running) halt(); else start(); });
    button("Step", () => { pause(); advance(1); halt(); });
    button("Reset", reset);
    const race = button("Race two", () => {
      build(arms.length > 1 ? [arms[0].v] : [arms[0].v, { ...arms[0].v, rule: arms[0].v.rule === "standard" ? "glorot" : "standard" }]);
      race.textContent = arms.length > 1 ? "One only" : "Race two";
    });
    if (only.length) {
      buttons.appendChild(whole);
    } else if (v.room === "plane") {
      const which = button("Colour: weights", () => {
        const by = !arms[0].byGradient;
        for (const arm of arms) { arm.byGradient = by; arm.draw(); }
        which.textContent = by ? "Colour: gradients" : "Colour: weights";
      });
    } else {
      const copy = button("Copy as Python", () => {
        const text = python(arms[0].v);
        code.textContent = text; code.hidden = false;
        if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => { live.textContent = "Copied."; }, () => {});
      });
      copy.title = "The same setting with the package; its random draws are others";
    }
    if (!only.length) host.appendChild(fold);
    make("summary", { textContent: "Guess the signal of each layer before you train" }, fold);
    make("p", { textContent: "Draw on the panel of the signal, or give numbers here." }, fold);
    const rows = make("div", { className: "lab-controls" }, fold), score = make("p", { className: "lab-score" }, fold);
    score.setAttribute("role", "status");
    fold.ontoggle = () => {
      rows.replaceChildren();
      for (let i = 0; i < v.depth; i++) {
        const field = make("input", { type: "number", min: 0, step: "any" });
        labelled(rows, `layer ${i + 1}`, field);
        field.onchange = () => {
          const arm = arms[0], g = Number(field.value);
          if (!(g > 0)) { score.textContent = "A guess is a number above 0."; return; }
          arm.guess = arm.guess || Array(v.depth).fill(NaN);
          arm.guess[i] = g; arm.guess = fill(arm.guess); arm.draw(); judge();
        };
      }
    };
    const code = make("pre", { className: "lab-code", hidden: true }, host);
    if (v.room === "paper" && host.dataset.main !== undefined) Map2(host, v);
    controls(shared, v, offer(common), (key, value) => { v[key] = value; fold.open = false; reset(); });
    build([v]);
    const redraw = () => { for (const arm of arms) arm.draw(); };
    new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-mode"] });
    host.lab = { get arms() { return arms; }, start, pause, reset, advance: (n) => { advance(n); for (const arm of arms) arm.look(); say(); } };
  }

  /** What learns: depth against gain, filled in one small network after the other. */
  function Map2(host, v) {
    const gains = [0.1, 0.25, 0.5, 1, 2, 4, 10], depths = [1, 2, 3, 4, 5, 6], cells = {};
    const fold = make("details", { className: "lab-map" }, host);
    make("summary", { textContent: "What learns: depth against gain" }, fold);
    make("p", { textContent: "Each cell is a network of 20 units a layer, by the rule and with the activation and rate above, after 400 updates: the share of wrong answers in percent, 83 for guessing." }, fold);
    const go = make("button", { type: "button", textContent: "Fill the map" }, fold);
    const table = make("table", {}, fold), top = make("tr", {}, make("thead", {}, table)), body = make("tbody", {}, table);
    make("th", { scope: "col", textContent: "layers" }, top);
    for (const g of gains) make("th", { scope: "col", textContent: `gain ${g}` }, top);
    for (const d of depths) {
      const row = make("tr", {}, body);
      make("th", { scope: "row", textContent: d }, row);
      for (const g of gains) cells[`${d} ${g}`] = make("td", { textContent: "–" }, row);
    }
    go.onclick = () => {
      const jobs = depths.flatMap((d) => gains.map((g) => [d, g]));
      go.disabled = true;
      let e = null, at = null;
      const work = () => {
        const start = performance.now();
        while (performance.now() - start < 12) {
          if (!e) {
            if (!jobs.length) { go.disabled = false; return; }
            at = jobs.shift();
            e = Experiment({ ...v, depth: at[0], gain: at[1], width: 20 });
          }
          e.step();
          if (e.steps >= 400 || e.diverged !== null) {
            const cell = cells[at.join(" ")], error = e.diverged !== null ? NaN : e.measure().error;
            cell.textContent = isFinite(error) ? (100 * error).toFixed(0) : `diverged at ${e.diverged}`;
            cell.style.background = `color-mix(in srgb, #56B4E9 ${clamp(110 * (0.9 - error) || 0, 0, 75)}%, transparent)`;
            e = null;
          }
        }
        setTimeout(work, 0);
      };
      work();
    };
  }

  /** A film of a run that was recorded: densities of activations, layer by layer, over time. */
  function Film(host, v) {
    const source = host.querySelector("script[type='application/json']") ||
      document.querySelector(`script[data-film="${v.movie}"]`);
    const data = source && JSON.parse(source.textContent);
    host.replaceChildren();
    host.classList.add("lab-live");
    if (!data) { make("p", { textContent: "This film is not on this page." }, host); return; }
    const grid = make("div", { className: "lab-grid" }, host), live = make("p", { className: "lab-status" }, host);
    live.setAttribute("role", "status");
    const panels = data.arms.map((arm) => Panel(grid, arm.name, 220));
    const bar = make("div", { className: "lab-buttons" }, host);
    const slide = make("input", { type: "range", min: 0, max: data.updates.length - 1, step: 1, value: 0 });
    labelled(bar, "time", slide);
    const play = make("button", { type: "button", textContent: "Play" }, bar);
    let timer = null;
    const show = () => {
      const k = Number(slide.value), update = data.updates[k];
      slide.setAttribute("aria-valuetext", `${update} updates`);
      data.arms.forEach((arm, n) => {
        panels[n].draw((at) => histograms(at, arm.frames[k], data.low, data.high, true));
        panels[n].say(`after ${update} updates, from layer 1 up the std is ${arm.std[k].join(", ")}`);
      });
      live.textContent = `After ${update.toLocaleString("en")} updates.`;
    };
    const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
    play.onclick = () => {
      if (timer) return stop();
      play.textContent = "Stop";
      if (Number(slide.value) === data.updates.length - 1) slide.value = 0;
      timer = setInterval(() => {
        if (Number(slide.value) >= data.updates.length - 1) return stop();
        slide.value = Number(slide.value) + 1; show();
      }, still.matches ? 1500 : 700);
    };
    slide.oninput = () => { stop(); show(); };
    new MutationObserver(show).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-mode"] });
    show();
  }

  function begin(host) {
    const main = host.dataset.main !== undefined;
    const text = main && location.hash.includes("=") ? location.hash.slice(1) : host.dataset.lab || "";
    const { settings, notes } = parse(text);
    if (settings.room === "film") Film(host, settings); else Room(host, settings, notes);
  }
  function ready() {
    for (const host of document.querySelectorAll(".xavier-lab")) begin(host);
    window.addEventListener("hashchange", () => {
      for (const host of document.querySelectorAll(".xavier-lab[data-main]"))
        if (location.hash.includes("=")) begin(host);
    });
  }
  window.XavierLab = { Random, ACTIVATIONS, RULES, CLASSES, Net, Experiment, expectation, varianceMap,
    gradientMap, predicted, shapesetBatch, planeBatch, stats, percentile, saturated, parse, format,
    python, DEFAULTS, LIMITS };
  if (typeof document === "undefined") return;
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
