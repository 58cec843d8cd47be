/* The laboratory: the paper's network, trained beside the page, in a worker. No library, no network,
   no kernel.

   Jupyter Book puts this file into every page that has an element of the class "xavier-lab". Sections:
   the engine, which computes; who runs it; settings; pictures; the rooms. What only the laboratory's
   own page has is in laboratory.js. What computes is tested against the package (tests/browser/). */
(function () {
  "use strict";

  /** All that computes, and nothing of the page: its text is also what a worker is made of. */
  function Engine() {
    "use strict";

    // ---------------------------------------------------------------------------- random numbers

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

    // -------------------------------------------------------------------- activations and theory

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
    function varianceMap(name, q, gain, bias = 0) {
      const { f } = ACTIVATIONS[name];
      return gain * gain * expectation((s) => f(s) ** 2, q) + bias;
    }
    /** What a layer multiplies the variance of a gradient by, on its way back. */
    function gradientMap(name, q, gain) {
      const { f, slope } = ACTIVATIONS[name];
      return gain * gain * expectation((s) => slope(s, f(s)) ** 2, q);
    }

    /** The predicted mean square of each layer's activations: the linear law, and the variance map.

        Both start from the mean square of the inputs; the linear law takes f(s) = f'(0) s. `factors`
        are those of the linear law, `chis` those of the map on a gradient's variance. */
    function predicted(sizes, activation, rule, gain, inputs) {
      const { f, slope } = ACTIVATIONS[activation], linear = [], field = [], factors = [], chis = [];
      if (!RULES[rule]) return { linear, field, factors, chis };
      let straight = inputs, square = inputs;
      for (let i = 0; i < sizes.length - 2; i++) {
        const own = RULES[rule](sizes[i], sizes[i + 1]) * gain * gain, q = sizes[i] * own * square;
        factors.push(sizes[i] * own * slope(0, f(0)) ** 2);
        straight *= factors[i];
        square = expectation((s) => f(s) ** 2, q);
        linear.push(straight);
        field.push(square);
        // Of the gradient by the sums of this layer, from that by the next one's.
        const back = sizes[i + 2] * RULES[rule](sizes[i + 1], sizes[i + 2]) * gain * gain;
        chis.push(back * expectation((s) => slope(s, f(s)) ** 2, q));
      }
      return { linear, field, factors, chis };
    }

    // ------------------------------------------------------------------------------- the network

    /** f of all sums. One loop for each unit, so that each is compiled for its own. */
    function activate(name, S, Z) {
      const n = S.length;
      if (name === "tanh") for (let k = 0; k < n; k++) Z[k] = Math.tanh(S[k]);
      else if (name === "sigmoid") for (let k = 0; k < n; k++) Z[k] = 1 / (1 + Math.exp(-S[k]));
      else if (name === "softsign") for (let k = 0; k < n; k++) Z[k] = S[k] / (1 + Math.abs(S[k]));
      else if (name === "relu") for (let k = 0; k < n; k++) Z[k] = S[k] < 0 ? 0 : S[k];
      else Z.set(S);
    }
    /** Multiply gradients by the slopes, in place. */
    function slopes(name, S, Z, D) {
      const n = S.length;
      if (name === "tanh") for (let k = 0; k < n; k++) D[k] *= 1 - Z[k] * Z[k];
      else if (name === "sigmoid") for (let k = 0; k < n; k++) D[k] *= Z[k] * (1 - Z[k]);
      else if (name === "softsign") for (let k = 0; k < n; k++) { const t = 1 - Math.abs(Z[k]); D[k] *= t * t; }
      else if (name === "relu") for (let k = 0; k < n; k++) if (!(S[k] > 0)) D[k] = 0;
    }
    /** S = b + X W for rows of inputs; four inputs at a time, so that a sum is fetched once for four. */
    function multiply(X, n, I, W, O, b, S) {
      for (let r = 0; r < n; r++) {
        const row = r * O, from = r * I;
        for (let o = 0; o < O; o++) S[row + o] = b[o];
        let k = 0;
        for (; k + 3 < I; k += 4) {
          const x0 = X[from + k], x1 = X[from + k + 1], x2 = X[from + k + 2], x3 = X[from + k + 3];
          const a0 = k * O, a1 = a0 + O, a2 = a1 + O, a3 = a2 + O;
          for (let o = 0; o < O; o++)
            S[row + o] += x0 * W[a0 + o] + x1 * W[a1 + o] + x2 * W[a2 + o] + x3 * W[a3 + o];
        }
        for (; k < I; k++) {
          const x = X[from + k], a = k * O;
          for (let o = 0; o < O; o++) S[row + o] += x * W[a + o];
        }
      }
    }
    /** below = D W', four sums side by side. */
    function backwards(D, n, O, W, I, below) {
      for (let r = 0; r < n; r++) {
        const row = r * O, to = r * I;
        let k = 0;
        for (; k + 3 < I; k += 4) {
          const a0 = k * O, a1 = a0 + O, a2 = a1 + O, a3 = a2 + O;
          let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
          for (let o = 0; o < O; o++) {
            const d = D[row + o];
            s0 += d * W[a0 + o]; s1 += d * W[a1 + o]; s2 += d * W[a2 + o]; s3 += d * W[a3 + o];
          }
          below[to + k] = s0; below[to + k + 1] = s1; below[to + k + 2] = s2; below[to + k + 3] = s3;
        }
        for (; k < I; k++) {
          let sum = 0;
          for (let o = 0, a = k * O; o < O; o++) sum += D[row + o] * W[a + o];
          below[to + k] = sum;
        }
      }
    }
    /** W -= lr X' D; five rows of a batch at a time, so that a weight is fetched once for five. */
    function update(X, n, I, W, O, D, lr) {
      let r = 0;
      for (; r + 4 < n; r += 5) {
        const d0 = r * O, d1 = d0 + O, d2 = d1 + O, d3 = d2 + O, d4 = d3 + O, x = r * I;
        for (let k = 0; k < I; k++) {
          const v0 = lr * X[x + k], v1 = lr * X[x + I + k], v2 = lr * X[x + 2 * I + k];
          const v3 = lr * X[x + 3 * I + k], v4 = lr * X[x + 4 * I + k], a = k * O;
          for (let o = 0; o < O; o++)
            W[a + o] -= v0 * D[d0 + o] + v1 * D[d1 + o] + v2 * D[d2 + o] + v3 * D[d3 + o] + v4 * D[d4 + o];
        }
      }
      for (; r < n; r++) {
        const d = r * O, x = r * I;
        for (let k = 0; k < I; k++) {
          const v = lr * X[x + k], a = k * O;
          for (let o = 0; o < O; o++) W[a + o] -= v * D[d + o];
        }
      }
    }

    const WIDE = 64;
    /** A network of dense layers with a softmax at the end, in double precision.

        A first layer of more than `WIDE` inputs takes images that are mostly of one grey, that of
        their first pixel. Its weights are then w[0] + common, one number of `common` for each unit:
        what an update changes alike for all pixels goes there, the rest concerns the few others. */
    function Net(sizes, activation) {
      const layers = sizes.length - 1, wide = sizes[0] > WIDE, H = sizes[1];
      const w = [], b = [];
      for (let i = 0; i < layers; i++) {
        w.push(new Float64Array(sizes[i] * sizes[i + 1]));
        b.push(new Float64Array(sizes[i + 1]));
      }
      const common = new Float64Array(H), sums = new Float64Array(H), part = new Float64Array(H);
      let x, n = 0, s = [], z = [], delta = [], apart = false, summed = false;

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
        common.fill(0);
        apart = summed = false;
      }
      function fit(count) {
        if (count === n) return;
        n = count;
        s = []; z = []; delta = [];
        for (let i = 0; i < layers; i++)
          for (const list of [s, z, delta]) list.push(new Float64Array(n * sizes[i + 1]));
      }
      /** Put what is common back into the weights, and sum these over the pixels. */
      function settle() {
        if (!wide) return;
        const V = w[0];
        sums.fill(0);
        for (let at = 0; at < V.length; at += H)
          for (let o = 0; o < H; o++) { if (apart) V[at + o] += common[o]; sums[o] += V[at + o]; }
        common.fill(0);
        apart = false; summed = true;
      }
      /** Sums of the first layer: what an image of one grey has, and what its other pixels add. */
      function look() {
        const I = sizes[0], V = w[0], S = s[0], B = b[0];
        for (let r = 0; r < n; r++) {
          const row = r * H, at = r * I, grey = x[at];
          let total = 0;
          for (let o = 0; o < H; o++) S[row + o] = 0;
          for (let k = 0; k < I; k++) {
            const value = x[at + k], v = value - grey, a = k * H;
            total += v;
            if (v === 0) continue;
            if (k + 3 < I && x[at + k + 1] === value && x[at + k + 2] === value && x[at + k + 3] === value) {
              for (let o = 0, c = a; o < H; o++, c++)
                S[row + o] += v * (V[c] + V[c + H] + V[c + 2 * H] + V[c + 3 * H]);
              total += 3 * v;
              k += 3;
            } else for (let o = 0; o < H; o++) S[row + o] += v * V[a + o];
          }
          total += I * grey;
          for (let o = 0; o < H; o++) S[row + o] += B[o] + grey * sums[o] + total * common[o];
        }
      }
      /** The update of a wide first layer. */
      function learn(lr) {
        const I = sizes[0], V = w[0], D = delta[0];
        for (let r = 0; r < n; r++) {
          const row = r * H, at = r * I, grey = x[at];
          let last = 0, total = 0;
          for (let o = 0; o < H; o++) common[o] -= lr * grey * D[row + o];
          for (let k = 0; k < I; k++) {
            const v = x[at + k] - grey;
            if (v === 0) continue;
            total += v;
            if (v !== last) { last = v; for (let o = 0; o < H; o++) part[o] = lr * v * D[row + o]; }
            for (let o = 0, a = k * H; o < H; o++) V[a + o] -= part[o];
          }
          for (let o = 0; o < H; o++) sums[o] -= lr * total * D[row + o];
        }
        apart = true;
      }
      function pass(inputs, count) {
        fit(count);
        x = inputs;
        for (let i = 0; i < layers; i++) {
          if (i === 0 && wide) look();
          else multiply(i ? z[i - 1] : x, n, sizes[i], w[i], sizes[i + 1], b[i], s[i]);
          activate(i === layers - 1 ? "identity" : activation, s[i], z[i]);
        }
        return z[layers - 1];
      }
      /** Logits (n x outputs) of inputs, row by row. */
      function forward(inputs, count) {
        settle();
        return pass(inputs, count);
      }
      /** Mean cross-entropy; fills the gradient at the output, and `answers` where it is given. */
      function entropy(labels, answers) {
        const O = sizes[layers], logits = z[layers - 1], D = delta[layers - 1];
        let all = 0;
        for (let r = 0; r < n; r++) {
          let top = -Infinity, best = 0, sum = 0;
          for (let o = 0; o < O; o++)
            if (logits[r * O + o] > top) { top = logits[r * O + o]; best = o; }
          for (let o = 0; o < O; o++) sum += D[r * O + o] = Math.exp(logits[r * O + o] - top);
          for (let o = 0; o < O; o++) D[r * O + o] = (D[r * O + o] / sum - (o === labels[r] ? 1 : 0)) / n;
          all += Math.log(sum) + top - logits[r * O + labels[r]];
          if (answers) answers.push(best);
        }
        return all / n;
      }
      function cost(labels) {
        const answers = [];
        return { cost: entropy(labels, answers), answers };
      }
      /** Gradients of the mean cost by the weighted sums of all layers (eq. 2). */
      function backward() {
        for (let i = layers - 1; i > 0; i--) {
          backwards(delta[i], n, sizes[i + 1], w[i], sizes[i], delta[i - 1]);
          slopes(activation, s[i - 1], z[i - 1], delta[i - 1]);
        }
        return delta;
      }
      /** One update on a batch, in place; its cost before. */
      function step(inputs, labels, lr) {
        if (!summed) settle();
        pass(inputs, labels.length);
        const found = entropy(labels, null);
        if (!isFinite(found)) return found;
        backward();
        for (let i = 0; i < layers; i++) {
          const O = sizes[i + 1], B = b[i], D = delta[i];
          for (let r = 0; r < n; r++) for (let o = 0; o < O; o++) B[o] -= lr * D[r * O + o];
          if (i === 0 && wide) learn(lr);
          else update(i ? z[i - 1] : x, n, sizes[i], w[i], O, D, lr);
        }
        return found;
      }
      /** Gradients of the weights of one layer, of the last batch (eq. 3). */
      function weightGradient(i) {
        const out = new Float64Array(sizes[i] * sizes[i + 1]);
        update(i ? z[i - 1] : x, n, sizes[i], out, sizes[i + 1], delta[i], -1);
        return out;
      }
      return { sizes, activation, layers, w, b, draw, settle, forward, cost, backward, step, weightGradient,
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

    // -------------------------------------------------------------------------------------- data

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
    /** A batch, into the one that is given, if one is. */
    function planeBatch(name, random, n, into) {
      const { x, y } = into || { x: new Float64Array(2 * n), y: new Uint8Array(n) };
      for (let k = 0; k < n; k++) {
        const [a, b, label] = PLANE[name](random);
        x[2 * k] = 2 * a; x[2 * k + 1] = 2 * b; y[k] = label;
      }
      return { x, y };
    }

    const SIZE = 32, CORNERS = [3, 4, 20];
    const CLASSES = ["triangle", "parallelogram", "ellipse", "two triangles",
      "triangle, parallelogram", "triangle, ellipse", "two parallelograms",
      "parallelogram, ellipse", "two ellipses"];
    const px = new Float64Array(20), py = new Float64Array(20);
    const left = new Float64Array(SIZE), right = new Float64Array(SIZE);
    const ROWS = [new Int32Array(2 * SIZE), new Int32Array(2 * SIZE)];

    /** The corners of an object: a regular polygon turned, stretched, turned and shifted. */
    function place(random, shape, before, angle) {
      const sx = 0.2 + 0.6 * random.uniform(), sy = 0.2 + 0.6 * random.uniform();
      const n = CORNERS[shape], cos = Math.cos(angle), sin = Math.sin(angle);
      let lowX = 9, highX = -9, lowY = 9, highY = -9;
      for (let k = 0; k < n; k++) {
        const a = (2 * Math.PI * k) / n + before;
        const u = 0.5 * sx * Math.cos(a), v = 0.5 * sy * Math.sin(a);
        const h = px[k] = u * cos - v * sin, j = py[k] = u * sin + v * cos;
        lowX = Math.min(lowX, h); highX = Math.max(highX, h);
        lowY = Math.min(lowY, j); highY = Math.max(highY, j);
      }
      const margin = 1 / 32;
      const dx = margin - lowX + random.uniform() * (1 - 2 * margin - highX + lowX);
      const dy = margin - lowY + random.uniform() * (1 - 2 * margin - highY + lowY);
      for (let k = 0; k < n; k++) { px[k] += dx; py[k] += dy; }
      return n;
    }
    /** Which pixels of each row lie inside a convex polygon: first, and first behind. */
    function spans(n, rows) {
      left.fill(Infinity); right.fill(-Infinity);
      for (let k = 0, x0 = px[n - 1], y0 = py[n - 1]; k < n; k++) {
        const x1 = px[k], y1 = py[k], slope = (x1 - x0) / (y1 - y0);
        const low = y0 < y1 ? y0 : y1, high = y0 < y1 ? y1 : y0;
        for (let row = Math.max(0, Math.ceil(low * SIZE - 0.5) - 1); row < SIZE; row++) {
          const y = (row + 0.5) / SIZE;
          if (y < low) continue;
          if (y >= high) break;
          const at = x0 + (y - y0) * slope;
          if (at < left[row]) left[row] = at;
          if (at > right[row]) right[row] = at;
        }
        x0 = x1; y0 = y1;
      }
      for (let row = 0; row < SIZE; row++) {
        const some = left[row] <= right[row];
        rows[2 * row] = some ? Math.max(0, Math.ceil(left[row] * SIZE - 0.5)) : 0;
        rows[2 * row + 1] = some ? Math.min(SIZE, Math.ceil(right[row] * SIZE - 0.5)) : 0;
      }
    }
    function covered(first, second) {
      let both = 0, area = 0;
      for (let k = 0; k < 2 * SIZE; k += 2) {
        both += Math.max(0, Math.min(first[k + 1], second[k + 1]) - Math.max(first[k], second[k]));
        area += first[k + 1] - first[k];
      }
      return both / area;
    }
    /** One image of Shapeset-3x2 into `out`, and its label (chapter 2). */
    function shapesetImage(random, out, at) {
      const dark = () => random.below(115), bright = () => 140 + random.below(116);
      const [back, front] = random.below(2) ? [bright, dark] : [dark, bright];
      out.fill(back() / 127.5 - 1, at, at + SIZE * SIZE);
      const two = random.below(2) === 1, first = random.below(3), second = random.below(3);
      for (let k = 0; k < (two ? 2 : 1); k++) {
        const shape = k ? second : first, rows = ROWS[k];
        const before = (random.uniform() * 2 * Math.PI) / CORNERS[shape];
        const angle = (random.below(255) * 2 * Math.PI) / 255;
        do spans(place(random, shape, before, angle), rows);
        while (k && covered(ROWS[0], rows) > 0.5);
        const grey = front() / 127.5 - 1;
        for (let row = 0; row < SIZE; row++)
          for (let c = rows[2 * row]; c < rows[2 * row + 1]; c++) out[at + row * SIZE + c] = grey;
      }
      if (!two) return first;
      const low = Math.min(first, second), high = Math.max(first, second);
      return 3 + low * 3 - (low * (low - 1)) / 2 + high - low;
    }
    function shapesetBatch(random, n, into) {
      const { x, y } = into || { x: new Float64Array(n * SIZE * SIZE), y: new Uint8Array(n) };
      for (let k = 0; k < n; k++) y[k] = shapesetImage(random, x, k * SIZE * SIZE);
      return { x, y };
    }

    // -------------------------------------------------------------------------------- experiment

    const MESH = 40, mesh = new Float64Array(2 * MESH * MESH);
    for (let r = 0; r < MESH; r++) for (let c = 0; c < MESH; c++) {
      mesh[2 * (r * MESH + c)] = -2.5 + (5 * (c + 0.5)) / MESH;
      mesh[2 * (r * MESH + c) + 1] = 2.5 - (5 * (r + 0.5)) / MESH;
    }
    const BINS = 40;
    function histogram(values, low, high) {
      const counts = new Float64Array(BINS), scale = BINS / (high - low);
      for (const v of values)
        if (isFinite(v)) counts[Math.min(Math.max(Math.floor((v - low) * scale), 0), BINS - 1)]++;
      return counts;
    }

    /** A network in training: data, steps, and what can be measured of it. */
    function Experiment(v) {
      const paper = v.room === "paper";
      const sizes = [paper ? SIZE * SIZE : 2, ...Array(v.depth).fill(v.width), paper ? 9 : 2];
      const net = Net(sizes, v.activation), random = Random(v.seed), fresh = Random(v.seed + 777);
      net.draw(v.rule, v.gain, random);
      const batch = (from, n, into) =>
        (paper ? shapesetBatch(from, n, into) : planeBatch(v.data, from, n, into));
      const test = batch(Random(4242), paper ? 100 : 200), probe = batch(Random(31), paper ? 50 : 200);
      const own = batch(Random(0), v.batch);
      const me = { v, net, sizes, test, probe, steps: 0, diverged: null, cost: NaN };
      me.step = function () {
        if (me.diverged !== null) return;
        batch(random, v.batch, own);
        me.cost = net.step(own.x, own.y, v.lr);
        me.steps++;
        if (!isFinite(me.cost)) me.diverged = me.steps;
      };
      /** Signals and gradients by layer on a set that stays, and the error on the test set. */
      me.measure = function () {
        net.forward(probe.x, probe.y.length);
        const { cost } = net.cost(probe.y), delta = net.backward(), rows = [];
        for (let i = 0; i < v.depth; i++) {
          const z = net.z[i].slice(), { mean, std, square } = stats(z);
          const gradient = stats(delta[i]).std * probe.y.length;
          rows.push({ saturated: saturated(net, i), z, delta: delta[i].slice(), mean, std, square,
                      gradient, p98: percentile(z, 0.98) });
        }
        const { answers, error } = me.test_error();
        if (!isFinite(cost) && me.diverged === null) me.diverged = me.steps;
        return { rows, error, answers, cost };
      };
      me.test_error = function () {
        net.forward(test.x, test.y.length);
        const { answers } = net.cost(test.y);
        return { answers, error: answers.filter((a, k) => a !== test.y[k]).length / test.y.length };
      };
      me.predicted = () => predicted(sizes, v.activation, v.rule, v.gain, stats(probe.x).square);
      me.grid = function (n) {
        const { x, y } = batch(fresh, n);
        net.forward(x, n);
        return { x: Float32Array.from(x), y, answers: net.cost(y).answers };
      };
      /** What a page draws of it, and no more than that: numbers that travel lightly. */
      me.view = function (wants) {
        const found = me.measure(), { rows } = found, [low, high] = ACTIVATIONS[v.activation].range;
        const reach = 2.5 * Math.max(...rows.map((r) => r.gradient / 50).filter(isFinite), 1e-30);
        const view = { steps: me.steps, diverged: me.diverged, error: found.error, cost: found.cost, reach };
        view.rows = rows.map(({ z, delta, ...row }) => {
          if (wants.acts) row.acts = histogram(z, low, high);
          if (wants.backs) row.backs = histogram(delta, -reach, reach);
          return row;
        });
        if (me.diverged !== null) return view;
        if (!paper && wants.net) {
          if (wants.gradients) { net.forward(test.x, test.y.length); net.cost(test.y); net.backward(); }
          view.weights = net.w.map((W, i) => Float32Array.from(wants.gradients ? net.weightGradient(i) : W));
        }
        if (!paper && wants.map) {
          const out = net.forward(mesh, MESH * MESH);
          view.seen = new Float32Array(MESH * MESH);
          for (let k = 0; k < MESH * MESH; k++) view.seen[k] = 1 / (1 + Math.exp(out[2 * k] - out[2 * k + 1]));
        }
        if (paper && wants.faces) view.faces = me.grid(wants.faces);
        return view;
      };
      return me;
    }

    /** What a worker does with a message, or the page itself where workers are refused.

        `post` sends an answer, `soon` calls a function later, and a slice of work takes so many
        milliseconds. An answer carries the number of the message; pictures of a network that is
        training come without one, no faster than they are asked for. */
    function serve(post, slice, soon) {
      let arms = [], wants = {}, running = null, asked = true, last = 0;
      const look = (more) => post({ ...more, views: arms.map((e) => e.view(wants)) });
      function work(mine) {
        if (running !== mine) return;
        const start = performance.now();
        let alive;
        do {
          alive = false;
          for (const e of arms) { e.step(); alive = alive || e.diverged === null; }
          mine.steps--;
        } while (alive && mine.steps > 0 && performance.now() - start < slice);
        if (!alive || mine.steps <= 0) { running = null; return look({ id: mine.id }); }
        if (asked && performance.now() - last > mine.every) {
          look({ turn: mine.id });
          asked = false;
          last = performance.now();
        }
        soon(() => work(mine));
      }
      return function (message) {
        const { id, what } = message;
        if (what === "more") asked = true;
        else if (what === "train") {
          running = { id, steps: message.steps ?? Infinity, every: message.every ?? 150 };
          asked = true;
          work(running);
        } else if (what === "wants") {
          ({ wants } = message);
          look({ id });
        } else if (what === "call") post({ id, value: me[message.name](...message.given) });
        else {
          running = null;
          if (what === "set") arms = message.arms.map(Experiment);
          if (message.wants) wants = message.wants;
          look({ id });
        }
      };
    }
    const me = { Random, ACTIVATIONS, RULES, CLASSES, PLANE, SIZE, MESH, Net, Experiment, serve,
      expectation, varianceMap, gradientMap, predicted, shapesetBatch, planeBatch, stats, percentile,
      saturated };
    return me;
  }
  const E = Engine();

  /** Somebody who computes beside the page: `ask` sends a message and keeps the promise of an answer.

      That is a worker, made from the text of the engine and of what is `added` to it, so that it
      needs no file and works from disk. Where workers are refused, the same is done on the page, a
      few milliseconds at a time. */
  function Runner(added) {
    const waiting = new Map(), sent = [];
    let seen = null, worker = null, local = null, heard = false, serial = 0, turn = 0, training = null;
    function hear(message) {
      heard = true;
      sent.length = 0;
      if (message.id === undefined) {
        if (message.turn === turn && seen) seen(message.views);
        send({ what: "more" });
        return;
      }
      const keep = waiting.get(message.id);
      waiting.delete(message.id);
      if (keep) keep(message.views || message.value);
    }
    function here() {
      if (local) return;
      worker = null;
      const engine = added ? added(E) : E;
      local = engine.serve((m) => setTimeout(hear, 0, m), 8, (act) => setTimeout(act, 4));
      for (const m of sent.splice(0)) send(m);
    }
    function send(m) {
      if (local) { setTimeout(local, 0, m); return; }
      if (!heard) sent.push(m);
      worker.postMessage(m);
    }
    const text = `const E = (${Engine})(), all = (${added || "(E) => E"})(E), next = new MessageChannel();
      let due; next.port1.onmessage = () => due();
      const go = all.serve((m) => postMessage(m), 30, (act) => { due = act; next.port2.postMessage(0); });
      onmessage = (event) => go(event.data);`;
    try {
      const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      worker = new Worker(address);
      worker.onmessage = (event) => hear(event.data);
      worker.onerror = (event) => { if (!heard) { event.preventDefault(); here(); } };
    } catch { here(); }
    return {
      get local() { return local !== null; },
      tell(whom) { seen = whom; },
      ask(message) {
        const id = ++serial;
        if (!["call", "wants"].includes(message.what)) {
          // Whatever is asked ends a training, whose promise is kept with nothing.
          if (training) { const keep = waiting.get(training); waiting.delete(training); if (keep) keep(null); }
          turn = id;
          training = message.what === "train" ? id : null;
        }
        return new Promise((keep) => { waiting.set(id, keep); send({ id, ...message }); });
      },
      end() {
        if (worker) worker.terminate();
        for (const keep of waiting.values()) keep(null);
        waiting.clear();
        if (local) local({ what: "set", arms: [], id: 0 });
      },
    };
  }

  // ------------------------------------------------------------------------------------ settings

  const { ACTIVATIONS, RULES, CLASSES, PLANE, SIZE, MESH } = E;
  const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
  const CHOICES = {
    room: ["plane", "paper", "film", "map", "spectrum", "images"],
    data: Object.keys(PLANE),
    activation: Object.keys(ACTIVATIONS),
    rule: Object.keys(RULES),
  };
  const LIMITS = { // least, most, whether whole
    depth: [1, 10, true], width: [2, 100, true], gain: [0.01, 100, false],
    lr: [1e-4, 10, false], batch: [1, 100, true], seed: [0, 99999, true], try: [0, 6, true],
    sw: [0, 20, false], sb: [0, 3, false],
  };
  const DEFAULTS = {
    plane: { room: "plane", data: "circles", activation: "tanh", rule: "glorot", gain: 1, depth: 4,
             width: 8, lr: 0.1, batch: 10, seed: 1 },
    paper: { room: "paper", data: "circles", activation: "tanh", rule: "glorot", gain: 1, depth: 5,
             width: 50, lr: 0.03, batch: 10, seed: 1 },
    film: { room: "film" },
    map: { room: "map", data: "circles", activation: "tanh", rule: "glorot", lr: 0.1, seed: 1 },
    spectrum: { room: "spectrum", activation: "tanh", gain: 1.05, depth: 30, seed: 1 },
    images: { room: "images", activation: "tanh", sw: 1.5, sb: 0.3, depth: 30, seed: 1 },
  };
  const MOST = { plane: { depth: 10, width: 32 }, paper: { depth: 8, width: 100 },
                 spectrum: { depth: 60 }, images: { depth: 60 } };
  const RIVAL = ["activation", "rule", "gain", "lr", "batch"]; // in which two that race may differ

  /** Settings from "a=b&c=d", what is out of range put into it, and what was done to them.

      What begins with "b." is of the second network of a race; without any, there is none. */
  function parse(text) {
    const given = new URLSearchParams(text), notes = [];
    const room = CHOICES.room.includes(given.get("room")) ? given.get("room") : "plane";
    const found = { ...DEFAULTS[room] }, apart = {};
    for (const [name, value] of given) {
      const second = name.startsWith("b."), key = second ? name.slice(2) : name;
      if (key === "room" || key === "movie") { if (key === "movie") found.movie = value; continue; }
      if (second && !RIVAL.includes(key)) continue;
      const into = second ? apart : found;
      if (CHOICES[key]) {
        if (CHOICES[key].includes(value)) into[key] = value;
        else notes.push(`${name} cannot be "${value}"; it is ${found[key]}`);
      } else if (LIMITS[key]) {
        const [least, most, whole] = LIMITS[key], top = (MOST[room] || {})[key] || most;
        let number = Number(value);
        if (value === "" || !isFinite(number)) {
          notes.push(`${name} cannot be "${value}"; it is ${found[key]}`);
          continue;
        }
        if (whole) number = Math.round(number);
        const inside = Math.min(Math.max(number, least), top);
        if (inside !== number) notes.push(`${name} is ${inside}, and not ${value}`);
        into[key] = inside;
      }
    }
    const rival = Object.keys(apart).length ? { ...found, ...apart } : null;
    return { settings: found, rival, notes };
  }
  /** The shortest text that `parse` reads as these settings. */
  function format(v, rival) {
    const usual = DEFAULTS[v.room];
    const own = Object.entries(v).filter(([k, value]) => k === "room" || value !== usual[k]);
    // The rule is written even if both have it: it says that there are two.
    const other = rival ? RIVAL.filter((k) => k === "rule" || rival[k] !== v[k]) : [];
    return [...own, ...other.map((k) => [`b.${k}`, rival[k]])]
      .map(([k, value]) => `${k}=${encodeURIComponent(value)}`).join("&");
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

  /** What somebody may have assumed who guesses the signal of each layer, and the signals then. */
  function assumptions(theory) {
    const { linear, field, factors } = theory;
    if (!linear.length) return [];
    const straight = linear.map(Math.sqrt);
    return [
      { name: "the variance map", curve: field.map(Math.sqrt),
        says: "You reckoned with the bend of the unit, layer by layer, as the variance map does (chapter 9)." },
      { name: "the linear law", curve: straight,
        says: "You took every unit for a line through 0, as the linear law does (chapter 4)." },
      { name: "a level signal", curve: straight.map(() => Math.sqrt(field[0])),
        says: "You assumed that a layer hands on what it gets: that n Var[W] is 1, and units are lines." },
      { name: "variance for signal", curve: factors.map((_, i) =>
          Math.sqrt(field[0]) * factors.slice(1, i + 1).reduce((a, b) => a * b, 1)),
        says: "You multiplied by n Var[W] a layer. That is the factor on the variance; the signal takes its root." },
    ];
  }
  /** By what factor two curves differ in a layer, on the average. */
  function apart(one, other) {
    const offs = one.map((g, i) => Math.abs(Math.log(g / other[i])));
    return Math.exp(offs.reduce((a, b) => a + b, 0) / offs.length);
  }
  /** A guess beside what was measured, in words: how far off, and what it amounts to assume. */
  function explain(guess, measured, theory) {
    const off = apart(guess, measured);
    if (!isFinite(off)) return "A signal of zero is off any scale.";
    const score = `Your curve is off by a factor of ${off.toFixed(1)} a layer. `;
    const all = assumptions(theory).map((one) => ({ ...one, off: apart(guess, one.curve) }))
      .filter((one) => isFinite(one.off)).sort((a, b) => a.off - b.off);
    if (!all.length) return score.trim();
    const [best] = all;
    if (best.off > 1.5) return `${score}It follows none of the assumptions that this page knows; the nearest is ${best.name}, a factor of ${best.off.toFixed(1)} away.`;
    const same = all.slice(1).filter((one) => apart(one.curve, best.curve) < 1.1).map((one) => one.name);
    return score + best.says + (same.length ? ` Here ${same.join(" and ")} would have you draw the same.` : "");
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
    let last = null, tall = 0;
    const panel = {
      canvas, figure,
      name(text) { title = caption.textContent = text; canvas.setAttribute("aria-label", text); },
      say: (text) => canvas.setAttribute("aria-label", `${title}: ${text}`),
      draw(paint) {
        last = paint;
        if (figure.hidden) return;
        const width = canvas.clientWidth || 280, scale = window.devicePixelRatio || 1;
        // Where two stand side by side on a phone they are small, and low.
        tall = Math.round(width < 200 ? 0.7 * height : height);
        const w = Math.round(width * scale), h = Math.round(tall * scale);
        if (canvas.width !== w || canvas.height !== h) {
          canvas.width = w; canvas.height = h;
          canvas.style.height = `${tall}px`;
        }
        const pen = canvas.getContext("2d"), style = getComputedStyle(figure);
        pen.setTransform(scale, 0, 0, scale, 0, 0);
        pen.clearRect(0, 0, width, tall);
        pen.font = `${width < 200 ? 10 : 11.5}px ${style.fontFamily}`;
        const ink = style.color;
        paint({ pen, width, height: tall, ink, faint: style.getPropertyValue("--lab-faint") || "#8886" });
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

  /** Lines over layers or time, on a linear or logarithmic axis, with ticks in words.

      A line's label stands beside its last point; labels that would meet are pushed apart. */
  function chart(at, series, { log, low, high, xs, xlabel }) {
    const { pen, width, height, ink, faint } = at, left = 34, top = 8, bottom = 24;
    const labelled = series.filter((one) => one.label && one.points.some(([, v]) => isFinite(v)));
    const room = Math.max(0, ...labelled.map((one) => pen.measureText(one.label).width));
    const right = 8 + (room ? room + 6 : 0);
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
    pen.fillText(xlabel, (left + width - right) / 2, height - 4);
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
    const places = labelled.map((one) => {
      const [, v] = one.points.filter(([, value]) => isFinite(value)).at(-1);
      return { ...one, h: y(v) };
    }).sort((a, b) => a.h - b.h);
    places.forEach((one, k) => { if (k) one.h = Math.max(one.h, places[k - 1].h + 12); });
    for (let k = places.length - 1, least = height - bottom + 4; k >= 0; k--, least -= 12)
      places[k].h = Math.min(places[k].h, least);
    pen.textAlign = "left";
    for (const { label, colour, h } of places) {
      pen.fillStyle = colour; pen.fillRect(width - room - 12, h - 1, 4, 3);
      pen.fillStyle = ink; pen.fillText(label, width - room - 5, h + 4);
    }
    return { x, y, left, right, back: (py) => {
      const t = (height - bottom - py) / (height - top - bottom), v = low + t * (high - low);
      return log ? 10 ** v : v;
    } };
  }
  function message(at, text) {
    at.pen.fillStyle = at.ink; at.pen.textAlign = "center";
    at.pen.fillText(text, at.width / 2, at.height / 2);
  }
  /** A histogram for each layer from its counts, one above the other, the first layer at the bottom. */
  function histograms(at, layers, low, high) {
    const { pen, width, height, ink } = at, n = layers.length, band = (height - 18) / n;
    layers.forEach((counts, i) => {
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

  function network(at, sizes, weights) {
    const { pen, width, height, ink } = at, shown = sizes.map((n) => Math.min(n, 12));
    const px = (i) => 14 + (i * (width - 28)) / (sizes.length - 1);
    const py = (i, k) => (height * (k + 1)) / (shown[i] + 1);
    weights.forEach((values, i) => {
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
    });
    pen.globalAlpha = 1; pen.fillStyle = ink;
    sizes.forEach((_, i) => {
      for (let k = 0; k < shown[i]; k++) { pen.beginPath(); pen.arc(px(i), py(i, k), 2.5, 0, 7); pen.fill(); }
    });
  }
  /** What a network answers on the plane, and the points that it is tested with. */
  function boundary(at, seen, { x, y }) {
    const { pen, width, height } = at;
    const side = Math.min(width, height), x0 = (width - side) / 2;
    const edge = (k) => Math.round((k * side) / MESH); // cells meet on whole pixels: no mesh is seen
    for (let k = 0; k < MESH * MESH; k++) {
      const column = k % MESH, row = Math.floor(k / MESH), p = seen[k];
      pen.fillStyle = p >= 0.5 ? "#0072B2" : "#E69F00";
      pen.globalAlpha = isFinite(p) ? 0.12 + 0.6 * Math.abs(p - 0.5) : 0;
      pen.fillRect(
        Math.round(x0) + edge(column), edge(row),
        edge(column + 1) - edge(column), edge(row + 1) - edge(row),
      );
    }
    pen.globalAlpha = 1;
    y.forEach((label, k) => {
      pen.fillStyle = label ? "#0072B2" : "#E69F00"; pen.strokeStyle = "#fff"; pen.lineWidth = 0.7;
      pen.beginPath();
      pen.arc(x0 + ((x[2 * k] + 2.5) / 5) * side, ((2.5 - x[2 * k + 1]) / 5) * side, 2.6, 0, 7);
      pen.fill(); pen.stroke();
    });
  }
  const tile = typeof document === "undefined" ? null : document.createElement("canvas");
  /** An image of Shapeset, from its place in a batch. */
  function stamp(pen, x, from, left, top, side) {
    tile.width = tile.height = SIZE;
    const brush = tile.getContext("2d"), pixels = brush.createImageData(SIZE, SIZE);
    for (let j = 0; j < SIZE * SIZE; j++) {
      const grey = Math.round((x[from + j] + 1) * 127.5);
      pixels.data.set([grey, grey, grey, 255], 4 * j);
    }
    brush.putImageData(pixels, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(tile, left, top, side, side);
  }
  function images(at, { x, y, answers }) {
    const { pen, width } = at, across = Math.max(4, Math.floor(width / 46)), side = width / across;
    y.forEach((label, k) => {
      const cx = (k % across) * side, cy = Math.floor(k / across) * side, right = answers[k] === label;
      stamp(pen, x, k * SIZE * SIZE, cx + 5, cy + 5, side - 10);
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
  /** Where the value of a slider stands: beside its name. */
  function beside(box) {
    const head = make("div", {});
    head.append(box.firstChild);
    box.prepend(head);
    return make("output", {}, head);
  }
  const NAMES = { data: "data", activation: "activation", rule: "initial weights", gain: "gain",
                  depth: "hidden layers", width: "width", lr: "learning rate", batch: "batch",
                  seed: "seed" };
  const RULE_NAMES = { standard: "standard, 1/(3 n_in)", glorot: "Glorot, 2/(n_in + n_out)",
    lecun: "LeCun, 1/n_in", he: "He, 2/n_in", "N(0,1)": "N(0, 1)", tiny: "tiny, std 0.01",
    constant: "all 0.1", zero: "all zero" };
  const RULE_WORDS = { standard: "standard weights", glorot: "Glorot's weights", lecun: "LeCun's weights",
    he: "He's weights", "N(0,1)": "weights from N(0, 1)", tiny: "tiny weights",
    constant: "equal weights", zero: "weights of zero" };

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
        const out = beside(labelled(parent, NAMES.gain, field));
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
  /** Draw anew whenever the page goes from light to dark or back. */
  function themed(redraw) {
    new MutationObserver(redraw).observe(document.documentElement,
      { attributes: true, attributeFilter: ["data-theme", "data-mode"] });
  }

  // ----------------------------------------------------------------------------------- the rooms

  const still = window.matchMedia ? window.matchMedia("(prefers-reduced-motion: reduce)") : { matches: false };

  let spare = null; // a worker that nobody has yet

  /** One network on the page: what was last seen of it, and its pictures. */
  function Arm(parent, v, title, only) {
    const box = make("section", { className: "lab-arm" }, parent);
    if (title) make("h4", { textContent: title }, box);
    const own = make("div", { className: "lab-controls" }, box), grid = make("div", { className: "lab-grid" }, box);
    const arm = { v, box, own, guess: null, covered: false, view: null, history: [] };
    const panels = v.room === "plane"
      ? { net: Panel(grid, "The network, by weight", 170), map: Panel(grid, "Its answer on the plane", 170) }
      : { acts: Panel(grid, "Activations, layer by layer", 190), backs: Panel(grid, "Back-propagated gradients", 190) };
    panels.signal = Panel(grid, "Signal by layer", 180);
    panels.gradient = Panel(grid, "Gradient by layer", 180);
    panels.error = Panel(grid, "Test error and cost", 150);
    if (v.room === "paper") {
      panels.time = Panel(grid, "Over time", 150);
      panels.faces = Panel(grid, "New images: solid frame right, dashed wrong", 150);
    }
    const wanted = (name) => !only.length || only.includes(name);
    for (const [name, { figure }] of Object.entries(panels)) {
      figure.hidden = !wanted(name);
      figure.style.order = only.length ? only.indexOf(name) : name === "signal" ? -1 : 0;
    }
    arm.panels = panels;
    // Of the sigmoid the paper shows the mean over time (figure 2), of the others where they end (3).
    const moves = () => (arm.v.activation === "sigmoid" ? "mean" : "p98");
    arm.begin = function (view) {
      const { test, probe } = E.Experiment({ ...arm.v, depth: 1, width: 2 }); // for the data that it is tested with
      arm.test = test;
      arm.sizes = [v.room === "paper" ? SIZE * SIZE : 2, ...Array(arm.v.depth).fill(arm.v.width), v.room === "paper" ? 9 : 2];
      arm.theory = E.predicted(arm.sizes, arm.v.activation, arm.v.rule, arm.v.gain, E.stats(probe.x).square);
      arm.history = [];
      arm.guess = null;
      if (panels.time)
        panels.time.name(`${moves() === "mean" ? "Mean" : "98th percentile"} (line), saturated share (dotted)`);
      arm.take(view);
    };
    arm.take = function (view) {
      arm.view = view;
      const past = arm.history.at(-1);
      if (!past || past.step !== view.steps)
        arm.history.push({ step: view.steps, error: view.error, cost: view.cost,
          rows: view.rows.map(({ acts, backs, ...row }) => row) });
      if (arm.history.length > 400) arm.history = arm.history.filter((_, k) => k % 2 === 0);
      arm.draw();
    };
    arm.measured = () => arm.view.rows.map((r) => Math.sqrt(r.square));
    arm.state = function () {
      const { steps, diverged, cost, error } = arm.view;
      if (diverged !== null) return `diverged at step ${diverged}`;
      return `step ${steps.toLocaleString("en")}, cost ${isFinite(cost) ? cost.toFixed(3) : "not a number"}, wrong on ${(100 * error).toFixed(0)} percent`;
    };
    arm.draw = function () {
      const { view, theory, history: past } = arm, depth = arm.v.depth, last = view.diverged !== null;
      const { rows } = view, gone = `diverged at step ${view.diverged}`;
      // A chart of time is empty before there is some.
      if (!only.length) for (const name of ["error", "time"]) if (panels[name]) panels[name].figure.hidden = past.length < 2;
      const picture = (panel, paint) => panel.draw((at) => (last ? message(at, gone) : paint(at)));
      if (panels.net) {
        if (view.weights) picture(panels.net, (at) => network(at, arm.sizes, view.weights));
        if (view.seen) picture(panels.map, (at) => boundary(at, view.seen, arm.test));
      } else {
        const [low, high] = ACTIVATIONS[arm.v.activation].range;
        if (rows[0].acts) picture(panels.acts, (at) => histograms(at, rows.map((r) => r.acts), low, high));
        if (rows[0].backs) picture(panels.backs, (at) => histograms(at, rows.map((r) => r.backs), -view.reach, view.reach));
      }
      const root = (list) => list.map((q, i) => [i + 1, Math.sqrt(q)]);
      const signal = rows.map((r, i) => [i + 1, Math.sqrt(r.square)]), back = rows.map((r, i) => [i + 1, r.gradient]);
      const ends = (lists) => {
        const logs = lists.flat().map(([, v]) => Math.log10(v)).filter(isFinite);
        const low = Math.floor(Math.min(...logs, -1)), high = Math.ceil(Math.max(...logs, 0));
        return { low: Math.max(low, -12), high: Math.max(high, low + 1) };
      };
      const xs = [1, Math.max(depth, 2)], guess = (arm.guess || []).map((g, i) => [i + 1, g]);
      const start = past[0].rows.map((r, i) => [i + 1, Math.sqrt(r.square)]);
      const covered = (at) => message(at, "covered until you have answered");
      panels.signal.draw((at) => {
        if (arm.covered === "all") { covered(at); return; }
        const lines = arm.covered ? [] : [
          { points: root(theory.linear), colour: at.ink, dash: [2, 3], label: "linear law" },
          { points: root(theory.field), colour: HUES[0], label: "predicted" },
          { points: start, colour: HUES[6], dots: true, wide: 0.01, label: view.steps ? "at birth" : "measured" },
          ...(view.steps ? [{ points: signal, colour: HUES[1], dots: true, wide: 1, label: "now" }] : [])];
        lines.push({ points: guess, colour: HUES[3], dash: [5, 3], dots: true, label: "your guess" });
        arm.axis = chart(at, lines, { log: true, xs, xlabel: "layer",
          ...(arm.covered ? { low: -4, high: 1 } : ends(lines.map((l) => l.points))) });
      });
      panels.gradient.draw((at) => arm.covered === "all" ? covered(at) : chart(at, [
        ...(view.steps ? [{ points: past[0].rows.map((r, i) => [i + 1, r.gradient]), colour: HUES[6], dots: true, wide: 0.01, label: "at birth" }] : []),
        { points: back, colour: HUES[2], dots: true, label: view.steps ? "now" : "measured" }],
        { log: true, xs, xlabel: "layer", ...ends([back]) }));
      const steps = [0, Math.max(view.steps, 1)], top = arm.v.room === "paper" ? 3 : 1.4;
      panels.error.draw((at) => {
        chart(at, [
          { points: past.map((h) => [h.step, h.error]), colour: HUES[1], wide: 2, label: "error" },
          { points: past.map((h) => [h.step, h.cost / top]), colour: HUES[0], dash: [4, 3], label: `cost / ${top}` }],
        { low: 0, high: 1, xs: steps, xlabel: "updates" });
        if (last) message(at, gone);
      });
      if (panels.time) {
        const lines = [];
        for (let i = 0; i < depth; i++) {
          lines.push({ points: past.map((h) => [h.step, Math.abs(h.rows[i][moves()])]), colour: HUES[i % 10], label: `layer ${i + 1}` });
          lines.push({ points: past.map((h) => [h.step, h.rows[i].saturated]), colour: HUES[i % 10], dash: [2, 3] });
        }
        panels.time.draw((at) => chart(at, lines, { low: 0, high: 1, xs: steps, xlabel: "updates" }));
        if (view.faces) picture(panels.faces, (at) => images(at, view.faces));
      }
    };
    /** How many new images there is room for. */
    arm.faces = function () {
      if (!panels.faces || panels.faces.figure.hidden) return 0;
      const width = panels.faces.canvas.clientWidth || 280, across = Math.max(4, Math.floor(width / 46));
      return across * Math.max(1, Math.floor((width < 200 ? 105 : 150) / (width / across)));
    };
    arm.speak = function () {
      const list = (rows, f) => rows.map((r, i) => `layer ${i + 1} ${short(f(r))}`).join(", ");
      const { rows } = arm.view;
      panels.signal.say(arm.covered ? "covered until you have answered" : list(rows, (r) => Math.sqrt(r.square)));
      panels.gradient.say(arm.covered === "all" ? "covered until you have answered" : list(rows, (r) => r.gradient));
      panels.error.say(arm.state());
      if (panels.acts) panels.acts.say("saturated share " + list(rows, (r) => r.saturated));
    };
    /** What there is to look for, from what is to be seen at birth. */
    arm.lead = function () {
      const { rows } = arm.view, signal = arm.measured(), fall = signal.at(-1) / signal[0];
      const ends = rows.reduce((sum, r) => sum + r.saturated, 0) / rows.length, d = rows.length;
      const weights = RULE_WORDS[arm.v.rule];
      if (arm.v.rule === "zero") return "All weights are zero, and every unit says the same. Press Train: can they come apart?";
      if (ends > 0.35 && arm.v.activation !== "relu" && arm.v.activation !== "identity")
        return `With ${weights}, ${Math.round(100 * ends)} of 100 units sit at their ends before anything is learned. Press Train and watch whether they come back.`;
      if (d < 2) return "Press Train and watch the error fall, or not.";
      if (fall < 0.35) return `With ${weights} the signal falls to ${short(100 * fall)} percent from layer 1 to layer ${d}. Press Train and watch the dots: does it come back?`;
      if (fall > 2.5) return `With ${weights} the signal grows by a factor of ${short(fall)} from layer 1 to layer ${d}. Press Train and watch what it does to the error.`;
      return `With ${weights} all ${d} layers start with a signal of about the same size. Press Train and watch the dots leave their places as the error falls.`;
    };
    return arm;
  }

  function Room(host, v, rival, notes) {
    host.replaceChildren();
    host.classList.add("lab-live");
    // A smaller instance names its panels and its controls, and leads to the whole laboratory.
    const words = (text) => (text || "").split(" ").filter(Boolean);
    const only = words(host.dataset.panels), offered = words(host.dataset.controls);
    const small = only.length > 0, main = host.dataset.main !== undefined;
    host.classList.toggle("lab-small", small);
    const lead = small ? null : make("p", { className: "lab-lead" }, host);
    const buttons = make("div", { className: "lab-buttons lab-bar" }, host);
    const live = make("p", { className: "lab-status" }, host), note = make("p", { className: "lab-note" }, host);
    const shared = make("div", { className: "lab-controls" }, host);
    note.setAttribute("role", "status");
    live.setAttribute("role", "status"); live.setAttribute("aria-live", "polite");
    note.textContent = notes.length ? `Put right: ${notes.join("; ")}.` : "";
    const stage = make("div", { className: "lab-stage" }, host);
    const offer = (keys) => (offered.length ? keys.filter((key) => offered.includes(key)) : keys);
    let arms = [], running = false, spoken = 0, gradients = false, given = null, secret = false;

    const common = (v.room === "plane" ? ["data"] : []).concat(["depth", "width", "seed"]);
    const single = ["activation", "rule", "gain", "lr", "batch"];
    const button = (text, act) => { const b = make("button", { type: "button", textContent: text }, buttons); b.onclick = act; return b; };
    const runner = spare || Runner(null);
    spare = null;
    runner.tell((views) => {
      if (!running || views.length !== arms.length) return;
      arms.forEach((arm, k) => arm.take(views[k]));
      if (performance.now() - spoken > 4000) { spoken = performance.now(); say(); }
    });

    function build(settings) {
      stage.replaceChildren();
      stage.classList.toggle("lab-race", settings.length > 1);
      race.textContent = settings.length > 1 ? "One only" : "Race two";
      arms = settings.map((own, k) => {
        const arm = Arm(stage, own, settings.length > 1 ? `Network ${"AB"[k]}` : "", only);
        controls(arm.own, own, offer(single), (key, value) => { own[key] = value; reset(); });
        return arm;
      });
      if (!small) pointer(arms[0]);
      return reset();
    }
    function wants() {
      const is = (name) => { const panel = arms[0].panels[name]; return Boolean(panel) && !panel.figure.hidden; };
      return { net: is("net"), map: is("map"), acts: is("acts"), backs: is("backs"), gradients, faces: arms[0].faces() };
    }
    async function reset() {
      rest();
      for (const arm of arms) { for (const key of common) arm.v[key] = v[key]; arm.covered = secret ? "all" : fold.open; }
      score.textContent = "";
      given = null;
      if (main) remember();
      whole.href = "laboratory.html#" + format(arms[0].v);
      const views = await runner.ask({ what: "set", arms: arms.map((arm) => ({ ...arm.v })), wants: wants() });
      if (!views || views.length !== arms.length) return;
      arms.forEach((arm, k) => arm.begin(views[k]));
      if (lead) lead.textContent = arms.length > 1
        ? "Two networks on the same images. Press Train and watch which error falls first, and what its signal did before."
        : arms[0].lead();
      if (lead && main && me.tasks)
        lead.append(" Or ", make("a", { href: "#try=1", textContent: "predict first" }), ", in six experiments.");
      say();
      host.dataset.ready = "";
    }
    function remember() {
      Object.assign(v, arms[0].v);
      history.replaceState(null, "", "#" + format(v, arms[1] && arms[1].v));
    }
    function say() {
      live.textContent = arms.map((arm, k) => (arms.length > 1 ? `${"AB"[k]}: ` : "") + arm.state()).join("; ") + ".";
      for (const arm of arms) arm.speak();
    }
    function take(views) {
      if (!views || views.length !== arms.length) return false;
      arms.forEach((arm, k) => arm.take(views[k]));
      say();
      return true;
    }
    /** So many updates, or as many as there is patience for; whether they came to their end. */
    async function updates(steps) {
      reveal();
      const ended = take(await runner.ask({ what: "train", steps, every: still.matches ? 600 : 150 }));
      if (ended) rest();
      return ended;
    }
    function start() {
      running = true;
      train.textContent = "Pause"; train.setAttribute("aria-pressed", "true");
      spoken = performance.now();
      return updates(Infinity);
    }
    function rest() { running = false; train.textContent = "Train"; train.setAttribute("aria-pressed", "false"); }
    /** Stop, and show and say where the networks are. */
    async function pause() { rest(); take(await runner.ask({ what: "stop" })); }
    function advance(steps) { rest(); return updates(steps); }

    // A guess: the panel is covered until it is complete.
    function cover(on) {
      secret = on;
      for (const arm of arms) {
        arm.covered = on && "all";
        if (arm.view) { arm.draw(); arm.speak(); }
      }
    }
    const reveal = () => { if (!secret && arms[0].covered) cover(false); };
    function judge() {
      const [arm] = arms;
      if (!arm.guess) { score.textContent = "Draw a curve first, or give a number for each layer."; return; }
      reveal();
      score.textContent = explain(arm.guess, arm.history[0].rows.map((r) => Math.sqrt(r.square)), arm.theory);
    }
    function put(layer, value) {
      const [arm] = arms, { depth } = arm.v;
      arm.guess = arm.guess || Array(depth).fill(NaN);
      arm.guess[layer - 1] = value;
      // Layers that were not drawn take the nearest that was.
      given = given || new Set();
      given.add(layer - 1);
      arm.guess = arm.guess.map((g, i) => {
        if (given.has(i)) return arm.guess[i];
        return arm.guess[[...given].reduce((a, b) => (Math.abs(b - i) < Math.abs(a - i) ? b : a))];
      });
      arm.draw();
    }
    /** Draw the expected curve over the layers with a pointer. */
    function pointer(arm) {
      const { canvas } = arm.panels.signal;
      const draw = (event) => {
        const box = canvas.getBoundingClientRect(), { depth } = arm.v, { left, right, back } = arm.axis;
        const share = (event.clientX - box.left - left) / (box.width - left - right);
        put(clamp(Math.round(1 + share * (Math.max(depth, 2) - 1)), 1, depth), back(event.clientY - box.top));
      };
      canvas.addEventListener("pointerdown", (e) => { if (fold.open) { canvas.setPointerCapture(e.pointerId); draw(e); } });
      canvas.addEventListener("pointermove", (e) => { if (fold.open && e.buttons) draw(e); });
    }

    const whole = make("a", { textContent: "The same in the laboratory" });
    const train = button("Train", () => (running ? pause() : start()));
    train.className = "lab-go";
    button("Step", () => advance(1));
    button("Reset", () => reset());
    const race = button("Race two", () => build(arms.length > 1 ? [arms[0].v]
      : [arms[0].v, { ...arms[0].v, rule: arms[0].v.rule === "standard" ? "glorot" : "standard" }]));
    const fold = make("details", { className: "lab-guess" }), score = make("p", { className: "lab-score" });
    const code = make("pre", { className: "lab-code", hidden: true });
    const copied = (text, done) => {
      code.textContent = text; code.hidden = false;
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => { live.textContent = done; }, () => {});
    };
    if (small) buttons.appendChild(whole);
    if (!small && v.room === "plane") {
      const which = button("Colour: weights", async () => {
        gradients = !gradients;
        which.textContent = gradients ? "Colour: gradients" : "Colour: weights";
        for (const arm of arms) arm.panels.net.name(`The network, by ${gradients ? "gradient" : "weight"}`);
        take(await runner.ask({ what: "wants", wants: wants() }));
      });
    }
    if (main) button("Copy link", () => copied(location.href, "Link copied."));
    if (!small && v.room === "paper")
      button("Copy as Python", () => copied(python(arms[0].v), "Copied.")).title = "The same setting with the package; its random draws are others";
    if (!small) {
      host.append(fold, code);
      make("summary", { textContent: "Guess the signal of each layer before you look" }, fold);
      make("p", { textContent: "The panel of the signal is covered now. Draw your curve on it, or give numbers, and compare: the page says how far off you are, and what your curve takes for granted." }, fold);
      const rows = make("div", { className: "lab-controls" }, fold);
      const compare = make("button", { type: "button", textContent: "Compare", onclick: judge }, make("div", { className: "lab-buttons" }, fold));
      fold.appendChild(score);
      score.setAttribute("role", "status");
      fold.ontoggle = () => {
        const [arm] = arms;
        rows.replaceChildren();
        score.textContent = "";
        arm.guess = given = null;
        arm.covered = fold.open;
        arm.panels.signal.canvas.style.touchAction = fold.open ? "none" : "";
        if (arm.view) { arm.draw(); arm.speak(); }
        for (let i = 0; fold.open && i < arm.v.depth; i++) {
          const field = make("input", { type: "number", min: 0, step: "any" });
          labelled(rows, `layer ${i + 1}`, field);
          field.onchange = () => {
            const g = Number(field.value);
            if (g > 0) { score.textContent = ""; put(i + 1, g); }
            else score.textContent = "A guess is a number above 0.";
          };
        }
        compare.disabled = false;
      };
    }
    controls(shared, v, offer(common), (key, value) => { v[key] = value; fold.open = false; reset(); });
    const ready = build(rival ? [v, rival] : [v]);
    themed(() => { for (const arm of arms) if (arm.view) arm.draw(); });
    host.lab = { get arms() { return arms; }, get running() { return running; }, runner, ready, build, start, pause, reset,
                 advance, cover: () => cover(true), uncover: () => cover(false), end: () => runner.end() };
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
        panels[n].draw((at) => histograms(at, arm.frames[k], data.low, data.high));
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
    themed(show);
    show();
  }

  function begin(host) {
    const main = host.dataset.main !== undefined;
    let text = main && location.hash.includes("=") ? location.hash.slice(1) : host.dataset.lab || "";
    const task = me.tasks && me.tasks[new URLSearchParams(text).get("try") - 1];
    if (task) text = `${task.set}&${text}`; // what the address says comes later, and counts
    const { settings, rival, notes } = parse(text), { room } = settings;
    if (host.lab) host.lab.end();
    delete host.dataset.ready;
    host.classList.remove("lab-tasked");
    if (room === "film") Film(host, settings);
    else if (me.rooms[room]) me.rooms[room](host, settings, notes);
    else Room(host, settings, rival, notes);
    if (main && task && host.lab) me.task(host, task, settings.try);
  }
  /** What a link has set is brought into view, below what the theme keeps at the top. */
  function show(host) {
    begin(host);
    // Who came by a link goes on here, by keyboard and by ear, too.
    const place = host.querySelector(".lab-task") || host;
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
    host.scrollIntoView({ block: "start", behavior: still.matches ? "instant" : "smooth" });
  }
  async function ready() {
    const asked = location.hash.includes("=");
    window.addEventListener("hashchange", () => {
      for (const host of document.querySelectorAll(".xavier-lab[data-main]"))
        if (location.hash.includes("=")) show(host);
    });
    // One after the other, so that the first can be used before the last is there.
    for (const host of document.querySelectorAll(".xavier-lab")) {
      if (asked && host.dataset.main !== undefined) show(host); else begin(host);
      await (host.lab && host.lab.ready);
      await new Promise((go) => setTimeout(go, 0));
    }
    if (spare) spare.end();
    spare = null;
  }
  const me = window.XavierLab = { ...E, Engine, Runner, parse, format, python, explain, assumptions,
    DEFAULTS, LIMITS, CHOICES, HUES, RULE_NAMES, Panel, chart, stamp, make, labelled, beside, controls, themed,
    clamp, short, still, rooms: {} };
  if (typeof document === "undefined") return;
  if (window.XavierRooms) window.XavierRooms(me);
  if (document.readyState === "loading") {
    // While the page is still read, a worker starts and warms up, for the first that needs one.
    spare = Runner(null);
    spare.ask({ what: "set", arms: [DEFAULTS.paper], wants: { acts: true, backs: true, faces: 24 } });
    document.addEventListener("DOMContentLoaded", ready);
  } else ready();
})();
