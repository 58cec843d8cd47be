/* What only the laboratory's own page has: six experiments with a prediction, the map of depth against
   gain, the spectrum of a Jacobian, and two images on their way through the layers. It builds on
   lab.js, whichever of the two comes first, and its text, too, becomes part of a worker. */
window.XavierRooms = function (L) {
  "use strict";

  /** What the two last rooms compute, beside the engine. */
  function Theory(E) {
    "use strict";
    const { ACTIVATIONS, Random, expectation, varianceMap, gradientMap } = E;

    // ----------------------------------------------------------------------- correlations of two

    /** Nodes and weights of a Gauss-Legendre rule on [0, 1]. */
    function legendre(n) {
      const x = [], w = [];
      for (let i = 0; i < n; i++) {
        let t = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5)), slope = 1, off = 1;
        while (Math.abs(off) > 1e-15) {
          let p = 1, before = 0;
          for (let k = 1; k <= n; k++) [p, before] = [((2 * k - 1) * t * p - (k - 1) * before) / k, p];
          slope = (n * (t * p - before)) / (t * t - 1);
          off = p / slope;
          t -= off;
          if (Math.abs(off) < 1e-14) break;
        }
        x.push((1 - t) / 2); w.push(1 / ((1 - t * t) * slope * slope));
      }
      return { x, w };
    }
    const RULE = legendre(8);
    /** The rule in each of the intervals between edges. */
    function panels(edges) {
      const x = [], w = [];
      for (let k = 1; k < edges.length; k++) {
        const width = edges[k] - edges[k - 1];
        RULE.x.forEach((t, i) => { x.push(edges[k - 1] + width * t); w.push(width * RULE.w[i]); });
      }
      return { x, w };
    }
    const SHARES = panels([0, 1 / 64, 1 / 16, 1 / 4, 1 / 2, 3 / 4, 15 / 16, 63 / 64, 1]);

    /** E[f(u) f(v)] of two normal sums of variance q and correlation c.

        In polar coordinates u is r cos(t) and v is r cos(t - a) with cos(a) = c: where one of them
        is 0, and a unit may bend, is a ray, and between these rays all is smooth. */
    function product(name, q, c) {
      const { f } = ACTIVATIONS[name], root = Math.sqrt(q), a = Math.acos(c), edges = [0];
      for (let edge = Math.min(1, 1 / root) / 2; edges.at(-1) < 9; edge *= 2) edges.push(Math.min(edge, 9));
      const { x: r, w } = panels(edges), rays = [a - Math.PI / 2, Math.PI / 2, a + Math.PI / 2];
      const mass = r.map((d, j) => w[j] * d * Math.exp(-d * d / 2));
      const odd = f(-1) === -f(1);
      let sum = 0;
      for (let side = 0; side < 2; side++) {
        const from = rays[side], wide = rays[side + 1] - from;
        if (wide < 1e-12) continue;
        SHARES.x.forEach((share, i) => {
          const t = from + wide * share, u = root * Math.cos(t), v = root * Math.cos(t - a);
          let ray = 0;
          for (let j = 0; j < r.length; j++) {
            const d = r[j];
            ray += mass[j] * (odd ? 2 * f(d * u) * f(d * v) : f(d * u) * f(d * v) + f(-d * u) * f(-d * v));
          }
          sum += SHARES.w[i] * wide * ray;
        });
      }
      return sum / (2 * Math.PI);
    }
    /** Correlation of two inputs' sums in the next layer; bias is the variance of a bias. */
    function correlationMap(name, c, q, gain, bias = 0) {
      const next = varianceMap(name, q, gain, bias);
      return Math.min(1, Math.max(-1, (gain * gain * product(name, q, c) + bias) / next));
    }
    /** Variances of the sums, and correlations of pairs, from layer to layer. */
    function paths(name, q, correlations, gain, bias, depth) {
      const out = { q: [q], c: correlations.map((c) => [c]) };
      let still = false;
      for (let layer = 1; layer < depth; layer++) {
        const before = out.q.at(-1), next = still ? before : varianceMap(name, before, gain, bias);
        out.c.forEach((list) => {
          const c = list.at(-1), held = still && list.length > 2 && Math.abs(c - list.at(-2)) < 1e-7;
          list.push(held ? c : next > 0 && before > 1e-30
            ? Math.min(1, Math.max(-1, (gain * gain * product(name, before, c) + bias) / next)) : c);
        });
        out.q.push(next);
        still = still || Math.abs(next - before) < 1e-10 * before;
      }
      return out;
    }
    /** Where chi is 1 at the variance q that a layer keeps: pairs of the roots of n Var[W] and of the
        variance of a bias, from q = 0 on. */
    function edge(name) {
      const out = [];
      const at = (q) => {
        const gain = 1 / Math.sqrt(gradientMap(name, q, 1));
        return { q, gain, bias: q - varianceMap(name, q, gain) };
      };
      let before = null; // below which no bias would do
      for (let q = 1e-6; q < 2000; q = q < 0.01 ? q * 10 : q * 1.15) {
        const point = at(q);
        if (point.bias < -1e-9) { before = q; continue; }
        if (before) { // where the curve leaves the axis
          let low = before, high = q;
          for (let k = 0; k < 30; k++) { const middle = (low + high) / 2; if (at(middle).bias < 0) low = middle; else high = middle; }
          out.push(at(high));
          before = null;
        }
        out.push({ ...point, bias: Math.max(point.bias, 0) });
      }
      if (name === "relu" || name === "identity") out.push({ q: 1e6, gain: 1 / Math.sqrt(gradientMap(name, 1, 1)), bias: 1e6 });
      return out;
    }
    /** The variance at which the layers settle, followed for so long; infinite where it grows. */
    function settled(name, q, gain, bias) {
      for (let k = 0; k < 60; k++) {
        const next = varianceMap(name, q, gain, bias);
        if (next > 1e12) return Infinity;
        if (Math.abs(next - q) <= 1e-9 * q) return next;
        q = next;
      }
      return q;
    }
    // Normal numbers of a seed, kept: while a point is dragged only their scale changes.
    let drawn = { seed: null, values: new Float32Array(0) };
    function normals(seed, count) {
      if (drawn.seed !== seed || drawn.values.length < count) {
        const random = Random(seed);
        drawn = { seed, values: new Float32Array(count).map(() => random.normal()) };
      }
      return drawn.values;
    }
    /** The cosines of the sums of the first input and of each other one, from layer to layer, in one
        random network of so many units. */
    function pairs(name, inputs, gain, bias, depth, width, seed) {
      const { f } = ACTIVATIONS[name], out = inputs.slice(1).map(() => []), spread = Math.sqrt(bias);
      const numbers = normals(seed, width * (inputs[0].length + 1 + (depth - 1) * (width + 1)));
      let from = inputs, next = 0;
      for (let layer = 0; layer < depth; layer++) {
        const n = from[0].length, std = gain / Math.sqrt(n);
        const sums = inputs.map(() => new Float64Array(width));
        for (let o = 0; o < width; o++) {
          const b = spread * numbers[next++];
          for (const s of sums) s[o] = b;
          for (let k = 0; k < n; k++) {
            const w = std * numbers[next++];
            for (let p = 0; p < sums.length; p++) sums[p][o] += w * from[p][k];
          }
        }
        const dot = (a, c) => a.reduce((sum, v, k) => sum + v * c[k], 0);
        out.forEach((list, p) => list.push(dot(sums[0], sums[p + 1]) / Math.sqrt(dot(sums[0], sums[0]) * dot(sums[p + 1], sums[p + 1]))));
        from = sums.map((s) => s.map(f));
      }
      return out;
    }

    // ------------------------------------------------------------------------- singular values

    /** Singular values of a square matrix, the largest first, by one-sided Jacobi rotations. */
    function singular(matrix, n) {
      const a = Float64Array.from(matrix);
      for (let sweep = 0, most = 1; sweep < 30 && most > 1e-13; sweep++) {
        most = 0;
        for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) {
          let x = 0, y = 0, z = 0;
          for (let k = 0, p = i * n, q = j * n; k < n; k++, p++, q++) { x += a[p] * a[p]; y += a[q] * a[q]; z += a[p] * a[q]; }
          if (!(Math.abs(z) > 1e-300)) continue;
          most = Math.max(most, Math.abs(z) / Math.sqrt(x * y));
          const half = (y - x) / (2 * z), t = Math.sign(half || 1) / (Math.abs(half) + Math.sqrt(1 + half * half));
          const cos = 1 / Math.sqrt(1 + t * t), sin = cos * t;
          for (let k = 0, p = i * n, q = j * n; k < n; k++, p++, q++) {
            const u = a[p], v = a[q];
            a[p] = cos * u - sin * v; a[q] = sin * u + cos * v;
          }
        }
      }
      const out = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let k = i * n; k < (i + 1) * n; k++) sum += a[k] * a[k];
        out[i] = Math.sqrt(sum);
      }
      return out.sort().reverse();
    }
    /** Square weights of n units: normal, or orthogonal times the gain. */
    function weights(n, gain, orthogonal, random) {
      const w = new Float64Array(n * n).map(() => (gain / Math.sqrt(n)) * random.normal());
      if (!orthogonal) return w;
      for (let i = 0; i < n; i++) { // Gram and Schmidt, twice for the digits
        for (let twice = 0; twice < 2; twice++) for (let j = 0; j < i; j++) {
          let dot = 0;
          for (let k = 0; k < n; k++) dot += w[i * n + k] * w[j * n + k];
          for (let k = 0; k < n; k++) w[i * n + k] -= (dot / gain / gain) * w[j * n + k];
        }
        let size = 0;
        for (let k = 0; k < n; k++) size += w[i * n + k] ** 2;
        for (let k = 0; k < n; k++) w[i * n + k] *= gain / Math.sqrt(size);
      }
      return w;
    }
    /** Singular values of the Jacobian of each layer's output by the input x, from layer 1 on.

        Weights lie as in a network: w[k * n + o] leads from unit k to unit o. */
    function spectra(name, list, x) {
      const { f, slope } = ACTIVATIONS[name], n = x.length, out = [];
      let h = Float64Array.from(x), J = null;
      for (const w of list) {
        const s = new Float64Array(n), next = new Float64Array(n * n);
        for (let k = 0; k < n; k++) for (let o = 0; o < n; o++) s[o] += h[k] * w[k * n + o];
        h = s.map(f);
        for (let o = 0; o < n; o++) {
          const d = slope(s[o], h[o]);
          for (let k = 0; k < n; k++) {
            const v = d * w[k * n + o];
            if (!J) next[o * n + k] = v;
            else for (let i = 0; i < n; i++) next[o * n + i] += v * J[k * n + i];
          }
        }
        J = next;
        out.push(singular(J, n));
      }
      return out;
    }
    /** The same start twice, Gaussian and orthogonal, for the same input. */
    function spectrum({ activation, gain, depth, seed }, n) {
      const random = Random(seed), x = new Float64Array(n).map(() => random.normal()), out = {};
      for (const kind of ["Gaussian", "orthogonal"]) {
        const list = [];
        for (let k = 0; k < depth; k++) list.push(weights(n, gain, kind === "orthogonal", random));
        out[kind] = spectra(activation, list, x);
      }
      return out;
    }
    return Object.assign(E, { product, correlationMap, paths, edge, settled, pairs, singular, weights, spectra, spectrum });
  }

  // ------------------------------------------------------------------------------ six experiments

  const { make, short, clamp, HUES } = L;
  const percent = (share) => `${+(100 * share).toPrecision(2)} percent`;
  const nearest = (value, list) => {
    const off = list.map((v) => Math.abs(Math.log(value / v)));
    return off.indexOf(Math.min(...off));
  };
  const signal = (arm) => arm.history[0].rows.map((row) => Math.sqrt(row.square));
  // Each: settings as in an address, updates, a question with its answers, and what was found: which
  // of the answers is right, by what was measured, and in words.
  const TASKS = [
    { title: "Eight layers with the standard rule", set: "room=paper&rule=standard&depth=8", steps: 0, covered: true,
      ask: "The first layer has a signal of about a third. How much of it is left in the eighth?",
      options: ["about a half", "about a tenth", "about a fiftieth"],
      find([arm]) {
        const m = signal(arm), left = m[7] / m[0];
        return [nearest(left, [0.5, 0.1, 0.02]), `${percent(left)} is left: a factor of ${(left ** (1 / 7)).toFixed(2)} a layer. The linear law has ${Math.sqrt(1 / 3).toFixed(2)}, one over the root of 3; where the signal is small, tanh is a line. Now take Glorot's rule: the dots leave the dotted line, and what is lost is lost to tanh.`];
      } },
    { title: "A gain of a tenth", set: "room=paper&gain=0.1&lr=0.1&b.lr=1", steps: 1000,
      ask: "Two networks with weights ten times too small, at rates of 0.1 and of 1. Which of them is wrong on fewer than 75 of 100 images after 1,000 updates?",
      options: ["neither", "only the one at the rate of 1", "both"],
      find([a, b]) {
        const learned = [a, b].map((arm) => arm.view.error < 0.75), [first] = a.history;
        const right = learned[0] ? (learned[1] ? 2 : -1) : learned[1] ? 1 : 0;
        return [right, `They are wrong on ${percent(a.view.error)} and ${percent(b.view.error)}. At birth the gradient of layer 1 is ${percent(first.rows[0].gradient / first.rows.at(-1).gradient)} of that of layer 5. Chapter 3 has a row of ten numbers on what a larger rate can do about it.`];
      } },
    { title: "A gain of four", set: "room=paper&gain=4&lr=0.1", steps: 1000, covered: true,
      ask: "About half of all units sit at their ends, where the slope is nearly 0. From the fifth layer down to the first, what does the gradient do?",
      options: ["it shrinks", "it stays within a factor of 2", "it grows"],
      find([arm]) {
        const { rows } = arm.history[0], grown = rows[0].gradient / rows.at(-1).gradient;
        const ends = arm.view.rows.reduce((sum, row) => sum + row.saturated, 0) / 5;
        return [grown > 2 ? 2 : grown < 0.5 ? 0 : 1, `At birth it is ${short(grown)} times as large in layer 1 as in layer 5: large weights make more of what gets through than the flat ends take away. After ${arm.view.steps.toLocaleString("en")} updates ${percent(ends)} of the units sit at their ends.`];
      } },
    { title: "Two networks, the same images", set: "room=paper&rule=standard&b.rule=glorot", steps: 2000,
      ask: "Standard weights against Glorot's, both at a rate of 0.03. Whose cost is lower after 2,000 updates?",
      options: ["the standard one's", "Glorot's", "they differ by less than 0.1"],
      find([a, b]) {
        const [x, y] = [a.view.cost, b.view.cost];
        return [Math.abs(x - y) < 0.1 ? 2 : x < y ? 0 : 1, `The costs are ${x.toFixed(2)} and ${y.toFixed(2)}; guessing costs 2.1. Give both a rate of 0.1 and train on: the standard one sets off after some thousands of updates, too. Chapter 13 asks which of these runs one should show.`];
      } },
    { title: "A layer that falls asleep", set: "room=paper&activation=sigmoid&rule=standard&depth=4&lr=0.1&b.batch=40", steps: 1600,
      ask: "Sigmoids. With ten images to a batch (A) the mean of the top layer sinks within 400 updates. With forty (B), when is it as low?",
      options: ["after about 100 updates", "after about 400", "after about 1,600"],
      find([a, b]) {
        const top = (arm, step) => arm.history.find((h) => h.step === step).rows.at(-1).mean, low = top(a, 400);
        const means = [100, 400, 1600].map((step) => top(b, step)), off = means.map((m) => Math.abs(m - low));
        return [off.indexOf(Math.min(...off)), `A has ${low.toFixed(3)} after 400 updates; B has ${means.map((m) => m.toFixed(3)).join(", ")} after 100, 400 and 1,600. If the layer sank because its features are of no use, the size of the batch should hardly matter; chapter 10 has a formula in which it does.`];
      } },
    { title: "Off the scale", set: "room=paper&activation=identity&gain=10&lr=1&b.activation=tanh", steps: 300,
      ask: "Weights ten times too large at a rate of 1, for linear units (A) and for tanh (B). Whose numbers end within 300 updates?",
      options: ["only those of the linear units", "those of both", "neither's"],
      find([a, b]) {
        const ended = [a, b].map((arm) => arm.view.diverged), words = ended.map((at) => (at === null ? "go on" : `end at update ${at}`));
        const right = ended[0] === null ? (ended[1] === null ? 2 : -1) : ended[1] === null ? 0 : 1;
        return [right, `The numbers of A ${words[0]}, those of B ${words[1]}${ended[1] === null ? `, and it is wrong on ${percent(b.view.error)}` : ""}. What in the backward pass of tanh keeps them finite?`];
      } },
  ];

  /** The question of an experiment, above the networks that will answer it. */
  function Task(host, task, number) {
    const box = make("form", { className: "lab-task" }), field = make("fieldset", {}, box), { lab } = host;
    make("legend", { textContent: `Experiment ${number} of ${TASKS.length}: ${task.title}` }, field);
    make("p", { textContent: task.ask, id: "lab-ask" }, field);
    task.options.forEach((text, k) => {
      const label = make("label", {}, field);
      make("input", { type: "radio", name: "lab-answer", value: k }, label);
      label.append(` ${text}`);
    });
    const bar = make("div", { className: "lab-buttons" }, box);
    const go = make("button", { type: "submit", className: "lab-go", textContent: "Predict and run" }, bar);
    const said = make("p", { className: "lab-score" }, box), on = make("p", { className: "lab-next" }, box);
    said.setAttribute("role", "status");
    if (number < TASKS.length) make("a", { href: `#try=${number + 1}`, textContent: "Next experiment" }, on);
    make("a", { href: "#room=paper", textContent: "Leave the path" }, on);
    host.prepend(box);
    host.classList.add("lab-tasked");
    if (task.covered) lab.cover();
    box.onsubmit = async (event) => {
      event.preventDefault();
      const chosen = box.querySelector("input:checked");
      if (!chosen) { said.textContent = "Choose an answer first: a wrong one costs nothing."; return; }
      go.disabled = true;
      said.textContent = "It runs.";
      await lab.reset();
      let ended = true;
      // In equal parts, so that what is found does not hang on how fast this machine is.
      for (let part = 0; part < 16 && ended && task.steps; part++) ended = await lab.advance(task.steps / 16);
      lab.uncover();
      go.disabled = false;
      if (!ended) { said.textContent = "The run was broken off. Predict and run it again."; return; }
      const [right, words] = task.find(lab.arms), good = right === Number(chosen.value);
      const verdict = good ? "As you predicted. " : right < 0 ? "None of the answers. " : `Not so: ${task.options[right]}. `;
      said.textContent = verdict + words;
      box.dataset.right = right;
      box.classList.toggle("lab-right", good);
    };
  }

  // ------------------------------------------------------------------------ the map, by training

  const GAINS = [0.25, 0.5, 0.7, 1, 1.5, 2.5, 5], DEPTHS = [1, 2, 3, 4, 6, 8, 10], UPDATES = 2000, HELD = 100;

  /** A room's first view: what to look for, one button that goes, what it says, and its controls. */
  function begun(host, lead, goes) {
    host.replaceChildren();
    host.classList.add("lab-live");
    make("p", { className: "lab-lead", textContent: lead }, host);
    const bar = make("div", { className: "lab-buttons lab-bar" }, host), live = make("p", { className: "lab-status" }, host);
    live.setAttribute("role", "status");
    const go = make("button", { type: "button", className: "lab-go", textContent: goes }, bar);
    return { live, go, fields: make("div", { className: "lab-controls" }, host) };
  }
  /** What theory has of the cells of a gain, by depth: the gradient's variance in layer 1, as a
      multiple of the last layer's. */
  function held(v) {
    const { chis } = L.Experiment({ ...v, room: "plane", width: 16, batch: 1 }).predicted();
    let all = 1;
    return chis.map((_, k) => (all *= k ? chis[k - 1] : 1));
  }
  function MapRoom(host, v) {
    const { live, fields, go } = begun(host, "Which depths learn at which gain? Press the button: 49 networks of 16 units a layer are trained, some side by side, and each cell shows what share of the plane it gets wrong (50 percent is guessing). A frame is drawn where theory lets the gradient through. Do the frames and the blue cells agree? A cell opens its network.", "Train the map");
    const wrap = make("div", { className: "lab-wrap" }, host), table = make("table", { className: "lab-map" }, wrap);
    const head = make("tr", {}, make("thead", {}, table)), body = make("tbody", {}, table), cells = [];
    make("caption", { textContent: "Percent wrong, by layers (down) and gain (across)" }, table);
    make("th", { scope: "col", textContent: "layers" }, head);
    for (const gain of GAINS) make("th", { scope: "col", textContent: gain }, head);
    for (const depth of DEPTHS) {
      const row = make("tr", {}, body);
      make("th", { scope: "row", textContent: depth }, row);
      for (const gain of GAINS) {
        const cell = make("button", { type: "button" }, make("td", {}, row));
        cell.onclick = () => { location.hash = L.format({ ...L.DEFAULTS.plane, ...settings({ depth, gain }) }); };
        cells.push({ cell, depth, gain, error: null });
      }
    }
    const settings = (own) => ({ room: "plane", data: v.data, activation: v.activation, rule: v.rule, lr: v.lr,
      seed: v.seed, batch: 10, width: 16, depth: own.depth, gain: own.gain });
    let crew = [];
    function write(one, text) {
      const { cell, depth, gain, error, inside } = one;
      cell.textContent = text;
      cell.setAttribute("aria-label", `${depth} layers, gain ${gain}: ${error === null ? text === "–" ? "not trained" : text : `wrong on ${text} percent`}, ${inside ? "inside" : "outside"} the frame`);
      cell.style.setProperty("--lab-known", `${error === null ? 0 : clamp(150 * (0.5 - error), 0, 75)}%`);
    }
    function clear() {
      stop();
      const ways = new Map(GAINS.map((gain) => [gain, held(settings({ gain, depth: DEPTHS.at(-1) }))]));
      for (const one of cells) {
        const chi = ways.get(one.gain)[one.depth - 1];
        one.inside = chi > 1 / HELD && chi < HELD;
        one.error = null;
        one.cell.classList.toggle("lab-inside", one.inside);
        write(one, "–");
      }
      live.textContent = `Framed: the gradient's variance in the first layer and in the last differ by less than a factor of ${HELD}, by the variance map.`;
    }
    function stop() {
      for (const runner of crew) runner.end();
      crew = [];
      go.textContent = "Train the map";
      go.setAttribute("aria-pressed", "false");
    }
    function start() {
      clear();
      go.textContent = "Stop";
      go.setAttribute("aria-pressed", "true");
      const jobs = [...cells], mine = crew = [], begun = performance.now();
      let left = jobs.length;
      const work = async (runner) => {
        while (mine === crew && jobs.length) {
          const one = jobs.shift();
          let views = await runner.ask({ what: "set", arms: [settings(one)], wants: {} });
          for (let part = 0; part < 8 && views && views[0].diverged === null && mine === crew; part++) {
            views = await runner.ask({ what: "train", steps: UPDATES / 8, every: 1e9 });
            if (views && mine === crew) { one.error = views[0].diverged === null ? views[0].error : null;
              write(one, one.error === null ? "ended" : (100 * one.error).toFixed(0)); }
          }
          if (mine !== crew || !views) return;
          left--;
          live.textContent = `${cells.length - left} of ${cells.length} networks are trained, ${((performance.now() - begun) / 1000).toFixed(0)} seconds.`;
        }
        if (mine === crew && !left) { const rest = live.textContent; stop(); live.textContent = rest; }
      };
      for (let k = clamp(navigator.hardwareConcurrency || 2, 2, 4); k > 0; k--) {
        const runner = L.Runner(null);
        crew.push(runner);
        work(runner);
      }
    }
    go.onclick = () => (crew.length ? (stop(), live.textContent = "Stopped.") : start());
    L.controls(fields, v, ["data", "activation", "rule", "lr"], (key, value) => { v[key] = value; clear(); });
    clear();
    host.lab = { cells, get running() { return crew.length > 0; }, end: stop };
  }

  // ------------------------------------------------------------------------------- the spectrum

  const UNITS = 40;
  function SpectrumRoom(host, v) {
    const { live, fields, go } = begun(host, `Into how many directions does a change of the input get through ${v.depth} layers? Move the layer and watch the two curves part: the lower a curve hangs at its right end, the more directions are lost.`, "Draw new weights");
    const grid = make("div", { className: "lab-grid" }, host);
    const layer = make("input", { type: "range", min: 1, max: 60, step: 1, value: v.depth });
    const out = L.beside(L.labelled(fields, "layer", layer));
    const all = L.Panel(grid, "Singular values, sorted", 220), ways = L.Panel(grid, "Largest, middle and smallest, by layer", 220);
    const runner = L.Runner(Theory), colours = { Gaussian: HUES[1], orthogonal: HUES[0] };
    let found = null;
    const floor = (list) => Array.from(list, (s, k) => [k + 1, s > 1e-8 ? s : NaN]);
    const ends = { log: true, low: -8, high: 2 };
    function draw() {
      if (!found) return;
      const at = Number(layer.value), words = [], entries = Object.entries(found);
      layer.setAttribute("aria-valuetext", `layer ${at}`);
      out.textContent = at;
      all.name(`Singular values from the input to layer ${at}, sorted`);
      all.draw((to) => L.chart(to, entries.map(([kind, by]) => ({ points: floor(by[at - 1]), colour: colours[kind], label: kind })),
        { ...ends, xs: [1, UNITS], xlabel: "number" }));
      ways.draw((to) => L.chart(to, entries.flatMap(([kind, by]) => [0, UNITS / 2, UNITS - 1].map((k) => ({
        points: by.map((list, l) => [l + 1, list[k] > 1e-8 ? list[k] : NaN]), colour: colours[kind], wide: k === UNITS / 2 ? 2.4 : 1.2,
        dash: k === UNITS / 2 ? [] : k ? [2, 3] : [6, 3], label: k === UNITS / 2 ? kind : "" })))
        .concat([{ points: [[at, 1e-8], [at, 1e2]], colour: to.faint }]), { ...ends, xs: [1, 60], xlabel: "layer" }));
      for (const [kind, by] of entries) {
        const list = by[at - 1], share = list[0] / list[UNITS / 2];
        words.push(`${kind} largest ${short(list[0])}, middle ${short(list[UNITS / 2])}`);
        host.dataset[kind.toLowerCase()] = share;
      }
      live.textContent = `Layer ${at}, ${UNITS} units: ${words.join("; ")}. Dashed is the largest, dotted the smallest.`;
      all.say(words.join("; "));
      ways.say(`at layer ${at}: ${words.join("; ")}`);
    }
    async function work() {
      const got = await runner.ask({ what: "call", name: "spectrum", given: [{ ...v, depth: 60 }, UNITS] });
      if (got) { found = got; draw(); }
    }
    layer.oninput = draw;
    go.onclick = () => { v.seed++; work(); };
    L.controls(fields, v, ["activation", "gain"], (key, value) => { v[key] = value; work(); });
    L.themed(draw);
    host.lab = { ready: work(), get found() { return found; }, end: () => runner.end() };
  }

  // -------------------------------------------------------------------------------- two images

  function ImagesRoom(host, v) {
    const { live, fields, go } = begun(host, "Drag the point over the plane. Left of the curve, with biases, two images become one on their way up; right of it even an image and the same image moved by a pixel part. Where does your rule lie?", "New images and weights");
    const grid = make("div", { className: "lab-grid" }, host);
    const plane = L.Panel(grid, "Spread of weights (across) and of biases (up)", 240);
    const chart = L.Panel(grid, "Correlation of two images, layer by layer", 240), shown = L.Panel(grid, "The images", 110);
    plane.canvas.style.touchAction = "none";
    const { SIZE } = L, WIDTH = 150, PLACES = { standard: Math.sqrt(1 / 3), "Glorot": 1, He: Math.SQRT2, "5/3": 5 / 3 };
    let curve, most, inputs, cosines, size, result;
    const slide = (name, key, top) => {
      const field = make("input", { type: "range", min: 0, max: top, step: 0.01, value: v[key] });
      const out = L.beside(L.labelled(fields, name, field));
      field.oninput = () => { v[key] = Number(field.value); draw(); };
      return { field, out };
    };
    /** Two images and the first one, a pixel further on, all brought to one mean square. */
    function choose() {
      const { x } = L.shapesetBatch(L.Random(v.seed), 2), side = SIZE * SIZE;
      const a = x.slice(0, side), b = x.slice(side), moved = a.map((_, k) => a[k % SIZE ? k - 1 : k]);
      const square = (z) => L.stats(z).square;
      size = square(a);
      inputs = [a, b, moved].map((z) => z.map((t) => t * Math.sqrt(size / square(z))));
      cosines = inputs.slice(1).map((z) => z.reduce((sum, t, k) => sum + t * inputs[0][k], 0) / side / size);
    }
    function unit() {
      curve = L.edge(v.activation);
      most = { sw: v.activation === "sigmoid" ? 20 : 3, sb: v.activation === "sigmoid" ? 3 : 1.5 };
      for (const key of ["sw", "sb"]) { slides[key].field.max = most[key]; v[key] = clamp(v[key], 0, most[key]); }
      draw();
    }
    function draw() {
      const { activation: name, sw, sb, depth } = v, bias = sb * sb, gain = Math.max(sw, 1e-3);
      for (const key of ["sw", "sb"]) { slides[key].field.value = v[key]; slides[key].out.textContent = v[key].toFixed(2); }
      const q = gain * gain * size + bias, start = cosines.map((c) => (gain * gain * size * c + bias) / q);
      const theory = L.paths(name, q, start, gain, bias, depth);
      const measured = L.pairs(name, inputs, gain, bias, depth, WIDTH, v.seed + 99);
      const rest = L.settled(name, theory.q.at(-1), gain, bias), chi = L.gradientMap(name, Math.min(rest, 1e6), gain);
      result = { theory, measured, chi, rest };
      plane.draw((at) => {
        const { pen, width, height, ink, faint } = at, left = 30, low = height - 32;
        const x = (w) => left + (w / most.sw) * (width - left - 8), y = (b) => low - (b / most.sb) * (low - 8);
        plane.back = (px, py) => [clamp(((px - left) / (width - left - 8)) * most.sw, 0, most.sw), clamp(((low - py) / (low - 8)) * most.sb, 0, most.sb)];
        pen.strokeStyle = faint; pen.strokeRect(left, 8, width - left - 8, low - 8);
        pen.save(); pen.beginPath(); pen.rect(left, 8, width - left - 8, low - 8); pen.clip();
        pen.beginPath();
        curve.forEach(({ gain: w, bias: b }, k) => { const p = [x(w), y(Math.sqrt(b))]; if (k) pen.lineTo(...p); else pen.moveTo(...p); });
        pen.strokeStyle = ink; pen.lineWidth = 2; pen.stroke();
        pen.restore();
        pen.fillStyle = ink; pen.textAlign = "left"; pen.fillText("images become one", left + 6, 22);
        pen.textAlign = "right"; pen.fillText("neighbours part", width - 14, low - 30);
        pen.textAlign = "center";
        pen.fillText("root of n Var[W]", (left + width) / 2, height - 2);
        for (const [label, w] of Object.entries(PLACES)) if (label !== "5/3" || name === "tanh") {
          pen.beginPath(); pen.moveTo(x(w), low); pen.lineTo(x(w), low + 5); pen.stroke();
          if (most.sw < 4) pen.fillText(label, x(w), low + 13);
        }
        pen.textAlign = "right"; pen.fillText(most.sb, left - 4, 14); pen.fillText("0", left - 4, low);
        pen.textAlign = "left"; pen.fillText("0", left, height - 2); pen.textAlign = "right"; pen.fillText(most.sw, width - 8, height - 2);
        pen.fillStyle = HUES[1]; pen.beginPath(); pen.arc(x(sw), y(sb), 7, 0, 7); pen.fill();
      });
      const lines = [["two images", HUES[0]], ["moved", HUES[2]]].flatMap(([label, colour], p) => [
        { points: theory.c[p].map((c, l) => [l + 1, c]), colour, label },
        { points: measured[p].map((c, l) => [l + 1, c]), colour, dots: true, wide: 0.01 }]);
      chart.draw((at) => L.chart(at, lines, { low: Math.min(...start) < 0 ? -1 : 0, high: 1, xs: [1, depth], xlabel: "layer" }));
      shown.draw(({ pen, width }) => inputs.forEach((z, k) => {
        const side = Math.min(90, width / 3 - 8);
        L.stamp(pen, z.map((t) => clamp(t, -1, 1)), 0, 4 + k * (side + 8), 6, side);
      }));
      const side = !isFinite(rest) ? "the signal grows without end" : rest < 1e-3 && !bias && chi < 1 ? "the signal dies out" : chi > 1.0005 ? "neighbours part" : chi < 0.9995 ? "images become one" : "on the edge";
      const last = theory.c.map((c) => c.at(-1).toFixed(2)), seen = measured.map((c) => c.at(-1).toFixed(2));
      live.textContent = `Chi is ${chi.toFixed(2)}: ${side}. In layer ${depth} the two images have a correlation of ${last[0]} by theory and ${seen[0]} in a network of ${WIDTH} units; the moved one ${last[1]} and ${seen[1]}.`;
      plane.say(`weights ${sw.toFixed(2)}, biases ${sb.toFixed(2)}; ${side}`);
      chart.say(`two images ${theory.c[0][0].toFixed(2)} in layer 1, ${last[0]} in layer ${depth}; moved by a pixel ${theory.c[1][0].toFixed(2)} and ${last[1]}`);
      shown.say("two of Shapeset, and the first moved by a pixel");
    }
    let queued = 0;
    const drag = (event) => {
      const box = plane.canvas.getBoundingClientRect();
      [v.sw, v.sb] = plane.back(event.clientX - box.left, event.clientY - box.top);
      cancelAnimationFrame(queued);
      queued = requestAnimationFrame(draw);
    };
    plane.canvas.addEventListener("pointerdown", (e) => { plane.canvas.setPointerCapture(e.pointerId); drag(e); });
    plane.canvas.addEventListener("pointermove", (e) => { if (e.buttons) drag(e); });
    L.controls(fields, v, ["activation", "depth"], (key, value) => { v[key] = value; unit(); });
    const slides = { sw: slide("weights", "sw", 3), sb: slide("biases", "sb", 1.5) };
    go.onclick = () => { v.seed++; choose(); draw(); };
    L.themed(draw);
    choose();
    unit();
    host.lab = { get result() { return result; }, get cosines() { return cosines; }, get size() { return size; }, settings: v, draw, end() {} };
  }

  Theory(L);
  Object.assign(L, { Theory, tasks: TASKS, task: Task, held });
  Object.assign(L.rooms, { map: MapRoom, spectrum: SpectrumRoom, images: ImagesRoom });
};
if (window.XavierLab) window.XavierRooms(window.XavierLab);
