// Why a number has its value: the terms that it is the sum of, and the cells where those come from.
//
// A cell is { name, index }. A term has a value, a cell (its door), and the pieces of how it is made: texts and cells.
"use strict";

const cell = (name, ...index) => ({ name, index });
const same = (a, b) => a.name === b.name && String(a.index) === String(b.index);

class Why {
  constructor(run) {
    this.run = run;
    this.numbers = run.numbers;
  }

  // The value of a cell; undefined where the page does not hold it. Some weights bring theirs: the largest of a sum.
  value({ name, index, value }) {
    const numbers = this.numbers;
    if (value !== undefined) return value;
    if (name in LEDGER) return this.inLedger(name, ...index);
    if (name === "lens") return this.lensEntry(index)[1];
    if (name === "logits") return this.logit(...index);
    if (name === this.run.table) return this.unembedding(...index);
    if (name.endsWith(".total")) return this.exponentials(name, ...index).reduce((sum, each) => sum + each, 0);
    if (name.endsWith("hook_result")) return this.products(cell(name, ...index)).reduce((sum, [x, w]) => sum + x * w, 0);
    if (name in this.run.weights) return this.weight(name, ...index);
    return numbers.has(name) ? numbers.at(name, ...index) : undefined;
  }

  logit(position, token) {
    const rank = this.numbers.has("listed") ? this.numbers.rank(position, token) : -1;
    return rank < 0 ? undefined : this.numbers.at("logits", position, rank);
  }

  unembedding(token, dimension) {
    const row = this.numbers.has("unembedded") ? this.numbers.row("unembedded").indexOf(token) : -1;
    return row < 0 ? undefined : this.numbers.at("unembedding", row, dimension);
  }

  inLedger(name, position, token) {
    const rank = this.numbers.has("listed") ? this.numbers.rank(position, token) : -1;
    return rank < 0 ? undefined : this.run.ledgers[position].rows[rank][LEDGER[name]];
  }

  lensEntry([residual, position, token]) {
    return this.run.lenses[residual][position].find((entry) => entry[0] === token) || [];
  }

  // A weight by its place in the checkpoint: a matrix has a row for each input.
  weight(name, input, output) {
    if (this.numbers.has(name)) {
      return output === undefined ? this.numbers.at(name, input) : this.numbers.at(name, output, input);
    }
    return undefined;
  }

  exponentials(name, head, position) {
    const scores = this.numbers.row(this.run.rules[name.slice(0, -6)].x, head, position).subarray(0, position + 1);
    const largest = Math.max(...scores);
    return Array.from(scores, (score) => Math.exp(score - largest));
  }

  // The terms of a cell: { value, terms, count, rest, line } or { value, origin }; a sum of sums as one, if unrolled.
  explain(asked, unrolled) {
    const value = this.value(asked);
    const rule = this.ruleOf(asked);
    const found = unrolled && this.canUnroll(asked)
      ? { terms: this.summands(asked).map((each) => term(this, this.value(each), [each])) }
      : rule && OPERATIONS[rule.op](this, rule, asked, value);
    if (!found) return { value, origin: this.origin(asked, value), terms: [] };
    if (found.terms.some((term) => term.value === undefined)) {
      return { value, origin: "Its operands are not on this page: it holds a part of the walk.", terms: [] };
    }
    const terms = found.terms.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const sum = terms.reduce((total, term) => total + term.value, 0);
    const edited = this.run.edited.includes(asked.name);
    return { value, line: rule.line, whole: !found.count, count: found.count || 0, rest: value - sum, edited, ...found, terms };
  }

  canUnroll({ name }) {
    return this.run.rules[name]?.op === "sum";
  }

  // All that was ever written into a sum: embeddings, heads, MLPs; what the page does not hold stays together.
  summands(asked) {
    const rule = this.run.rules[asked.name];
    const { index } = asked;
    if (rule?.op === "sum" && rule.of.every((name) => this.numbers.has(name))) {
      return rule.of.flatMap((name) => this.summands(cell(name, ...index)));
    }
    if (rule?.op !== "heads" || !this.numbers.has(rule.w) || !this.numbers.has(rule.z)) return [asked];
    const heads = Array.from({ length: this.run.heads }, (_, head) => cell(rule.result, index[0], head, index[1]));
    return [...heads, cell(rule.b, index[1])];
  }

  ruleOf({ name }) {
    if (name in LEDGER) return { op: name, line: "gpt/sampling.py distribution" };
    if (name === "lens") return { op: "lens", line: "gpt/ops.py softmax_row" };
    if (name.endsWith(".total")) return { op: "total", line: this.run.rules[name.slice(0, -6)].line };
    return this.run.rules[name];
  }

  origin({ name, index }, value) {
    if (value === undefined) return "It is not on this page, which holds a part of the walk.";
    if (name === "hook_embed") return `Learned: a number of the checkpoint, in row ${this.run.ids[index[0]]} of wte.`;
    if (name === "hook_pos_embed") return `Learned: a number of the checkpoint, in row ${index[0]} of wpe.`;
    return name in this.run.weights || name === this.run.table ? "Learned: a number of the checkpoint." : "";
  }

  // A row of an activation as one list, heads side by side; and the cell of one of them.
  inputs(name, position) {
    const { data, start, shape } = this.numbers.array(name);
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    return data.subarray(start + position * width, start + (position + 1) * width);
  }

  input(name, position, number) {
    const width = this.run.words[name][0] === "THe" ? this.numbers.array(name).shape[2] : 0;
    return width ? cell(name, position, Math.floor(number / width), number % width) : cell(name, position, number);
  }

  // The z of one head, each with its weight: [x, weight, dimension of z].
  products({ name, index: [position, head, output] }) {
    const { z, w } = this.run.rules[name];
    if (!this.numbers.has(z) || !this.numbers.has(w)) return [[NaN, NaN, 0]];
    const mixed = this.numbers.row(z, position, head);
    const weights = this.numbers.row(w, output);
    return Array.from(mixed, (x, dimension) => [x, weights[head * mixed.length + dimension], dimension]);
  }

  // In words: "pattern of head 2.3 · ·little ← ·there".
  words({ name, index }, briefly) {
    const run = this.run;
    const token = (position) => {
      const text = run.labels[run.ids[position]];
      return run.ids.indexOf(run.ids[position]) === run.ids.lastIndexOf(run.ids[position]) ? text : `${text} (${position})`;
    };
    if (name === run.table) return `${run.table.split(".")[0]} ${run.labels[index[0]]} [${index[1]}]`;
    if (name in run.weights) return `${run.weights[name]} [${index.join(",")}]`;
    if (name in LEDGER) return `${LEDGER_WORDS[name]} · ${token(index[0])} → ${run.labels[index[1]]}`;
    if (name === "lens") return `if it stopped here · ${token(index[1])} → ${run.labels[index[2]]}`;
    const total = name.endsWith(".total");
    const [axes, what] = run.words[total ? name.slice(0, -6) : name];
    const at = (axis) => index[axes.indexOf(axis)];
    const named = (total ? "sum of exponentials, " : "") + what.replace("{}", axes.includes("H") ? at("H") : at("m"));
    const column = { d: `[${at("d")}]`, e: `[${at("e")}]`, S: total ? "" : `← ${token(at("S"))}`, V: `→ ${run.labels[at("V")]}` };
    const end = column[axes.at(-1)] || "";
    return briefly ? `${named}${end && " "}${end}` : `${named} · ${token(at("T"))}${end && " "}${end}`;
  }
}

const LEDGER = { tempered: 1, probabilities: 2, cumulative: 3 };
const LEDGER_WORDS = { tempered: "logit / temperature", probabilities: "probability", cumulative: "running sum" };

// The door of a term is its first cell; a sum of one thing has no formula but itself.
function term(why, value, pieces) {
  return { value, pieces, cell: pieces.find((piece) => piece.name) };
}

function product(why, x, weight, at, where) {
  return { value: x * weight, pieces: [at, " · ", { ...where, value: weight }], cell: at };
}

function biased(why, terms, name, output) {
  if (name) terms.push(term(why, why.value(cell(name, output)), [cell(name, output)]));
  return terms;
}

// The largest products of a row of weights, or all of them.
function weighted(why, x, weights, bias, position, output, first) {
  const values = why.numbers.has(x) ? why.inputs(x, position) : [];
  const row = first + output;
  const column = (input) => cell(weights, input, row);
  if (why.numbers.has(weights)) {
    const row_ = why.numbers.row(weights, row);
    const terms = Array.from(values, (value, i) => product(why, value, row_[i], why.input(x, position, i), column(i)));
    return { terms: biased(why, terms, bias, row) };
  }
  const key = `${weights}/${first}`;
  if (!why.numbers.has(`${key}/inputs`) || !values.length) return null;
  const places = why.numbers.row(`${key}/inputs`, position, output);
  const largest = why.numbers.row(`${key}/weights`, position, output);
  const terms = Array.from(places, (i, n) => product(why, values[i], largest[n], why.input(x, position, i), column(i)));
  return { terms: biased(why, terms, bias, row), count: values.length - places.length };
}

const OPERATIONS = {
  taken: () => null,
  sum: (why, rule, { index }) => ({ terms: rule.of.map((name) => term(why, why.value(cell(name, ...index)), [cell(name, ...index)])) }),
  mean: (why, rule, { index: [t] }) => {
    if (!why.numbers.has(rule.x)) return null;
    const row = why.inputs(rule.x, t);
    return { terms: Array.from(row, (x, i) => term(why, x / row.length, [cell(rule.x, t, i), ` / ${row.length}`])) };
  },
  variance: (why, rule, { index: [t] }) => {
    if (!why.numbers.has(rule.x)) return null;
    const row = why.inputs(rule.x, t);
    const mean = why.value(cell(rule.mean, t, 0));
    return {
      terms: Array.from(row, (x, i) =>
        term(why, (x - mean) ** 2 / row.length, ["(", cell(rule.x, t, i), " − ", cell(rule.mean, t, 0), `)² / ${row.length}`])),
    };
  },
  root: (why, rule, { index: [t] }, value) => ({
    terms: [term(why, value, ["√(", cell(rule.variance, t, 0), ` + ${rule.epsilon})`])],
  }),
  normalized: (why, rule, { index: [t, i] }) => {
    const [x, mean, scale] = [cell(rule.x, t, i), cell(rule.mean, t, 0), cell(rule.scale, t, 0)];
    const by = why.value(scale);
    return { terms: [term(why, why.value(x) / by, [x, " / ", scale]), term(why, -why.value(mean) / by, ["−", mean, " / ", scale])] };
  },
  shifted: (why, rule, { index: [t, i] }) => {
    const x = why.value(cell(rule.x, t, i));
    const gamma = why.value(cell(rule.gamma, i));
    return { terms: [product(why, x, gamma, cell(rule.x, t, i), cell(rule.gamma, i)), ...biased(why, [], rule.beta, i)] };
  },
  linear: (why, rule, { name, index }) => {
    const [t, ...rest] = index;
    const width = rest.length > 1 ? why.numbers.array(name).shape[2] : 0;
    return weighted(why, rule.x, rule.w, rule.b, t, width ? rest[0] * width + rest[1] : rest[0], rule.first);
  },
  heads: (why, rule, { index: [t, i] }) => {
    if (!why.numbers.has(rule.w)) return weighted(why, rule.z, rule.w, rule.b, t, i, 0);
    const results = Array.from({ length: why.run.heads }, (_, head) => cell(rule.result, t, head, i));
    return { terms: biased(why, results.map((each) => term(why, why.value(each), [each])), rule.b, i) };
  },
  result: (why, rule, asked) => {
    const [t, head, output] = asked.index;
    const width = why.numbers.has(rule.z) && why.numbers.array(rule.z).shape[2];
    return {
      terms: why.products(asked).map(([x, weight, dimension]) =>
        product(why, x, weight, cell(rule.z, t, head, dimension), cell(rule.w, head * width + dimension, output))),
    };
  },
  scores: (why, rule, { index: [head, t, key] }) => {
    if (!why.numbers.has(rule.q)) return null;
    const q = why.numbers.row(rule.q, t, head);
    const k = why.numbers.row(rule.k, key, head);
    return { terms: Array.from(q, (x, i) => term(why, x * k[i], [cell(rule.q, t, head, i), " · ", cell(rule.k, key, head, i)])) };
  },
  divided: (why, rule, { index }, value) => ({ terms: [term(why, value, [cell(rule.x, ...index), ` / ${short(rule.by)}`])] }),
  masked: (why, rule, { index }, value) => {
    if (index[2] > index[1]) return { terms: [term(why, value, ["−∞, for the key comes later than the query"])] };
    return { terms: [term(why, value, [cell(rule.x, ...index)])] };
  },
  softmax: (why, rule, { name, index: [head, t, key] }, value) => {
    if (key > t) return { terms: [term(why, value, ["exp(−∞) = 0: the key comes later than the query"])] };
    if (!why.numbers.has(rule.x)) return null;
    const scores = why.numbers.row(rule.x, head, t).subarray(0, t + 1);
    const most = scores.indexOf(Math.max(...scores));
    const [score, largest] = [cell(rule.x, head, t, key), cell(rule.x, head, t, most)];
    return { terms: [term(why, value, ["exp(", score, " − ", largest, ") / ", cell(`${name}.total`, head, t)])] };
  },
  total: (why, rule, { name, index: [head, t] }) => {
    const { x } = why.run.rules[name.slice(0, -6)];
    const scores = why.numbers.row(x, head, t).subarray(0, t + 1);
    const most = cell(x, head, t, scores.indexOf(Math.max(...scores)));
    return { terms: why.exponentials(name, head, t).map((each, key) => term(why, each, ["exp(", cell(x, head, t, key), " − ", most, ")"])) };
  },
  mixed: (why, rule, { index: [t, head, i] }) => {
    if (!why.numbers.has(rule.pattern) || !why.numbers.has(rule.v)) return null;
    const keys = Array.from({ length: t + 1 }, (_, key) => key);
    return {
      terms: keys.map((key) => {
        const [weight, v] = [cell(rule.pattern, head, t, key), cell(rule.v, key, head, i)];
        return { ...term(why, why.value(weight) * why.value(v), [weight, " · ", v]), cell: v, label: weight };
      }),
    };
  },
  bend: (why, rule, { index }, value) => ({ terms: [term(why, value, [`${rule.function}(`, cell(rule.x, ...index), ")"])] }),
  unembed: (why, rule, { index: [t, token] }) => {
    if (!why.numbers.has(rule.x)) return null;
    const row = why.inputs(rule.x, t);
    return {
      terms: Array.from(row, (x, i) => product(why, x, why.unembedding(token, i), cell(rule.x, t, i), cell(why.run.table, token, i))),
    };
  },
  tempered: (why, rule, { index: [t, token] }, value) => {
    const { temperature } = why.run.ledgers[t];
    const at = cell("logits", t, token);
    return { terms: [term(why, value, temperature ? [at, ` / ${temperature}`] : [at, ", whatever the others: temperature 0 takes the largest"])] };
  },
  probabilities: (why, rule, { index: [t, token] }, value) => {
    const { largest, total, temperature } = why.run.ledgers[t];
    if (!temperature) return { terms: [term(why, value, ["temperature 0: the largest logit has all; this is ", cell("logits", t, token)])] };
    if (!value) return { terms: [term(why, 0, ["dropped: ", cell("tempered", t, token), " is below the cut"])] };
    const pieces = ["exp(", cell("tempered", t, token), ` − ${short(largest)}) / ${short(total)}, the same of all that stay`];
    return { terms: [term(why, value, pieces)] };
  },
  cumulative: (why, rule, { index: [t, token] }) => {
    const rank = why.numbers.rank(t, token);
    const tokens = Array.from(why.numbers.row("listed", t).subarray(0, rank + 1));
    return { terms: tokens.map((each) => term(why, why.value(cell("probabilities", t, each)), [cell("probabilities", t, each)])) };
  },
  lens: (why, rule, { index }, value) => {
    const [, share, logit] = why.lensEntry(index);
    const pieces = [`exp(${short(logit)}) / exp(${short(logit - Math.log(share))}): the final norm and the unembedding, applied to the residual stream of this stage`];
    return { terms: [term(why, value, pieces)] };
  },
};
