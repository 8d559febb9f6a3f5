// The pictures of the stages: state in, elements out. What a click does is handed in as `act`.
"use strict";

const LISTED = 14; // numbers of a row that are listed
const TALL = 34; // rem of a picture with many rows
const GRID = 24; // tokens up to which every cell of a pattern has its number

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") made.addEventListener("click", value);
    else if (key === "style") Object.assign(made.style, value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null));
  return made;
}

// Where the walk stands in a run: the part, the numbers of its row, and the column that the cursor is on.

const alike = (stage) => (["resid_mid", "resid_post"].includes(stage.id) ? "resid" : stage.id);
const AHEAD = ["raw", "scaled"];
const VOCABULARY = ["logits", "ledger", "draw"];

class Here {
  constructor(run, at) {
    Object.assign(this, { run, at, numbers: run.numbers });
    this.stage = run.stages[at.stage];
    this.position = at.position;
    const parts = this.stage.parts;
    this.part = at.parts[alike(this.stage)] ?? parts.length - 1;
    this.name = parts.length ? parts[this.part][1] : null;
    this.axes = this.name ? run.words[this.name][0] : "";
    this.head = this.axes.includes("H") ? at.head : 0;
    this.row = this.name ? this.rowAt(this.position, this.head) : [];
    this.column = Math.min(at.columns[this.axes.at(-1)] ?? this.largest(), Math.max(0, this.row.length - 1));
  }

  get listsTokens() {
    return VOCABULARY.includes(this.stage.kind);
  }

  get shares() {
    return this.stage.kind === "pattern";
  }

  rowAt(position, head) {
    if (this.listsTokens) return this.run.ledgers[position].rows.map((row, rank) => this.rowNumber(position, rank, row));
    if (this.axes === "HTS") return this.numbers.row(this.name, head, position).subarray(0, position + 1);
    return this.axes === "THe" ? this.numbers.row(this.name, position, head) : this.numbers.row(this.name, position);
  }

  rowNumber(position, rank, row) {
    return this.stage.kind === "logits" ? this.numbers.at("logits", position, rank) : row[LEDGER.probabilities];
  }

  largest() {
    if (this.listsTokens) return 0;
    const signed = this.axes === "HTS" || (this.name || "").endsWith("mlp.hook_pre");
    const size = (value) => (signed ? value : Math.abs(value));
    return this.row.reduce((best, value, i) => (size(value) > size(this.row[best]) ? i : best), 0);
  }

  cell(column = this.column, position = this.position, head = this.head) {
    if (!this.name) return null;
    if (this.listsTokens) {
      const token = this.numbers.at("listed", position, column);
      return cell(this.stage.kind === "logits" ? "logits" : "probabilities", position, token);
    }
    if (this.axes === "HTS") return cell(this.name, head, position, column);
    return this.axes === "THe" ? cell(this.name, position, head, column) : cell(this.name, position, column);
  }

  label(column) {
    const { run } = this;
    if (this.axes === "HTS") return `${run.labels[run.ids[column]]} (${column})`;
    return `${this.axes.at(-1) === "m" ? "neuron" : "dimension"} ${column}`;
  }

  // Rows by position, for the picture as a whole: before the mask a row looks ahead, too.
  rows(head = this.head) {
    const ahead = AHEAD.includes(this.stage.id);
    return this.run.ids.map((_, position) => (ahead ? this.numbers.row(this.name, head, position) : this.rowAt(position, head)));
  }
}

// Colours

function stopsOf(scale) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${scale}`).trim().split(/\s+/);
}

function colours(scale) {
  const parts = stopsOf(scale).map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  return (share) => {
    const place = Math.min(Math.max(share, 0), 1) * (parts.length - 1);
    const first = Math.min(Math.floor(place), parts.length - 2);
    return parts[first].map((from, i) => Math.round(from + (parts[first + 1][i] - from) * (place - first)));
  };
}

// A function from a number to a colour; a share by its square root, so that small ones can be seen too.
function heatOf(shares, rows) {
  if (shares) {
    const along = colours("share");
    return (value) => along(Math.sqrt(value));
  }
  const spread = spreadOf(rows);
  const [above, below] = [colours("above"), colours("below")];
  return (value) => (value < 0 ? below : above)(spread ? Math.abs(value) / spread : 0);
}

// The size that nearly all numbers stay below, so that a few giants do not hide the rest.
function spreadOf(rows) {
  const sizes = rows.flatMap((row) => Array.from(row, Math.abs)).filter(Number.isFinite).sort((a, b) => a - b);
  return sizes.length ? sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * 0.98))] : 0;
}

function ink([r, g, b]) {
  const [x, y, z] = [r, g, b].map((value) => (value / 255 <= 0.04045 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z > 0.179 ? "#000" : "#fff";
}

function canvas(rows, columns, heat, words) {
  const made = el("canvas", { width: columns, height: rows.length, role: "img", "aria-label": words });
  const context = made.getContext("2d");
  const image = context.createImageData(columns, rows.length);
  rows.forEach((row, y) =>
    row.forEach((value, x) => {
      image.data.set([...heat(value), Number.isFinite(value) ? 255 : 0], 4 * (y * columns + x));
    }));
  context.putImageData(image, 0, 0);
  return made;
}

// Pictures

function picture(here, act) {
  const { kind } = here.stage;
  if (kind === "merges") return [mergesPicture(here)];
  if (kind === "logits") return [logitsPicture(here, act)];
  if (kind === "ledger") return [settingsLine(here), ledgerPicture(here, act)];
  if (kind === "draw") return [settingsLine(here), drawPicture(here), ledgerPicture(here, act)];
  const whole = here.axes.includes("H") && here.at.overview ? [allHeads(here, act)] : [];
  const grid = here.axes === "HTS" && here.run.ids.length <= GRID ? gridPicture(here, act) : heatPicture(here, act);
  return [...whole, grid, legend(here), rowPicture(here, act)];
}

function legend(here) {
  const spread = full(Number(spreadOf(here.rows()).toPrecision(3)));
  const rows = here.axes === "HTS" ? "rows look at columns" : `a row for each token, ${here.row.length} columns`;
  const stops = here.shares ? stopsOf("share") : [...stopsOf("below").reverse(), ...stopsOf("above").slice(1)];
  const scale = el("span", { class: "scale", "aria-hidden": "true", style: { background: `linear-gradient(to right, ${stops.join(", ")})` } });
  const [low, high] = here.shares ? ["0", "1"] : [`−${spread}`, spread];
  return el("p", { class: "legend" }, el("span", {}, `${low} `, scale, ` ${high}`), el("span", {}, rows));
}

function gridPicture(here, act) {
  const { run } = here;
  const rows = here.rows();
  const heat = heatOf(here.shares, rows);
  const label = (position) => run.labels[run.ids[position]];
  const head = run.ids.map((_, key) => el("th", { scope: "col", class: key === here.column ? "here-text" : null }, label(key)));
  const body = rows.map((row, position) => {
    const name = el("button", { on: () => act.position(position), "data-key": `row ${position}` }, label(position));
    const cells = run.ids.map((_, key) => gridCell(here, act, heat, position, key, row[key]));
    return el("tr", { class: position === here.position ? "here-row" : null }, el("th", { scope: "row" }, name), cells);
  });
  const title = `${here.stage.title} of head ${here.head}: each row is a token that looks, each column one that is looked at`;
  const table = el("table", { class: "grid" }, el("caption", { class: "unseen" }, title), el("tr", {}, el("td"), head), body);
  return el("div", { class: "scroll" }, table);
}

function gridCell(here, act, heat, position, key, value) {
  if (value === undefined) return el("td", { class: "masked" }, here.stage.id === "masked" ? "−∞" : "·");
  const ground = heat(value);
  const text = here.shares ? value.toFixed(2) : tenths(value);
  const cursor = position === here.position && key === here.column;
  const style = { background: `rgb(${ground})`, color: ink(ground) };
  if (key > position) return el("td", { class: "ahead", style }, text);
  return el("td", { class: cursor ? "cursor" : null, style, on: () => act.cell(position, key) }, text);
}

// With one digit, and no sign where that reads as zero.
function tenths(value) {
  return Math.abs(value) < 0.05 ? "0.0" : figure(value, 1);
}

function heatPicture(here, act) {
  const { run } = here;
  const rows = here.rows();
  const columns = here.axes === "HTS" ? run.ids.length : here.row.length;
  const words = `Picture: ${here.stage.title}, ${rows.length} tokens by ${columns} numbers; the largest are listed below.`;
  const drawn = canvas(rows, columns, heatOf(here.shares, rows), words);
  drawn.addEventListener("click", (event) => {
    const box = drawn.getBoundingClientRect();
    const position = Math.floor(((event.clientY - box.top) / box.height) * rows.length);
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    if (here.axes !== "HTS" || column <= position) act.cell(Math.min(position, rows.length - 1), Math.min(column, columns - 1));
  });
  const height = Math.min(1.3, TALL / rows.length);
  const every = Math.ceil(1 / height); // names that have room
  const names = run.ids.map((token, position) =>
    el("button", {
      class: position === here.position ? "here-text" : position % every ? "silent" : null, tabindex: -1,
      on: () => act.position(position), title: run.labels[token],
    }, run.labels[token]));
  const share = (value, count) => `${(100 * value) / count}%`;
  const mark = el("span", {
    class: "mark",
    style: {
      left: share(here.column, columns), width: share(1, columns),
      top: share(here.position, rows.length), height: share(1, rows.length),
    },
  });
  const band = el("span", { class: "band", style: { top: share(here.position, rows.length), height: share(1, rows.length) } });
  const style = { gridAutoRows: `${height}rem` };
  return el("div", { class: "heat" }, el("div", { class: "names", style }, names), el("div", { class: "cells" }, drawn, band, mark));
}

function allHeads(here, act) {
  const rows = Array.from({ length: here.run.heads }, (_, head) => here.rows(head));
  const heat = heatOf(here.shares, rows.flat());
  const columns = here.axes === "HTS" ? here.run.ids.length : here.row.length;
  const small = rows.map((each, head) =>
    el("button", { class: head === here.head ? "here" : null, on: () => act.head(head), "data-key": `small ${head}` },
      canvas(each, columns, heat, `head ${head}`), `head ${head}`));
  return el("div", { class: "heads" }, small);
}

// The largest numbers of the row, as a table with bars; and a way to any other of them.
function rowPicture(here, act) {
  const signed = here.axes === "HTS" || here.name.endsWith("mlp.hook_pre");
  const order = Array.from(here.row.keys()).sort((a, b) =>
    signed ? here.row[b] - here.row[a] : Math.abs(here.row[b]) - Math.abs(here.row[a]));
  const shown = order.slice(0, LISTED);
  if (!shown.includes(here.column)) shown.push(here.column);
  const most = Math.max(...shown.map((column) => Math.abs(here.row[column])));
  const lines = shown.map((column) => {
    const value = here.row[column];
    const text = here.shares ? value.toFixed(3) : figure(value);
    return barLine(here.label(column), text, value / most, column === here.column, () => act.column(column), `column ${column}`);
  });
  const token = here.run.labels[here.run.ids[here.position]];
  const rest = order.length > shown.length ? `the largest ${LISTED} of ${order.length}` : `all ${order.length}`;
  const title = el("caption", {}, `row of ${token}: ${rest}`);
  return el("div", {}, el("table", { class: "bars" }, title, lines), here.axes === "HTS" ? null : chooser(here, act));
}

function chooser(here, act) {
  const field = el("input", { type: "number", min: 0, max: here.row.length - 1, value: here.column, "data-key": "chooser" });
  field.addEventListener("change", () => act.column(Math.min(Math.max(0, Math.floor(Number(field.value))), here.row.length - 1)));
  return el("label", { class: "chooser" }, `${here.label(0).split(" ")[0]} `, field);
}

function barLine(label, text, share, here, on, key) {
  const size = Number.isFinite(share) ? Math.abs(share) : 0;
  const bar = el("span", { class: share < 0 ? "negative" : "positive", style: { width: `${100 * size}%` } });
  return el("tr", { class: here ? "here-row" : null },
    el("th", { scope: "row" }, el("button", { on, "aria-current": here ? "true" : null, "data-key": key }, label)),
    el("td", { class: "figure" }, text), el("td", { class: "bar" }, bar));
}

// Tokens

function mergesPicture(here) {
  const { run } = here;
  const merges = run.merges[here.position];
  const token = run.ids[here.position];
  if (merges.note) return el("p", {}, `${run.labels[token]} is token ${token}. ${merges.note}`);
  const chips = (parts) => parts.map((part) => el("span", { class: "chip" }, part));
  const rows = [
    ["piece", chips([merges.piece]), ""],
    ["bytes", merges.bytes, "in hexadecimal"],
    ...(merges.start.length ? [["start", chips(merges.start), "every byte by itself"]] : []),
    ...merges.steps.map((step, i) => [`merge ${i + 1}`, chips(step.parts), `rule ${step.rule}: ${step.joined}`]),
    ["ids", merges.tokens.map((id) => `${run.labels[id] ?? ""} ${id}`).join("  "), ""],
  ];
  const caption = el("caption", {}, `how ${run.labels[token]} was spelled`);
  return el("div", { class: "scroll" }, el("table", { class: "merges" }, caption,
    rows.map(([name, what, aside]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, what), el("td", { class: "dim" }, aside)))));
}

function tokenRows(here, titles, rowOf) {
  const heads = ["rank", "token", ...titles].map((title) => el("th", { scope: "col" }, title));
  const rows = here.run.ledgers[here.position].rows.map((row, rank) => {
    const token = here.numbers.at("listed", here.position, rank);
    return el("tr", { class: rank === here.column ? "here-row" : null },
      el("td", { class: "figure dim" }, String(rank + 1)), el("th", { scope: "row" }, here.run.labels[token]), rowOf(token, rank, row));
  });
  const { of } = here.run.ledgers[here.position];
  const caption = el("caption", {}, `after ${here.run.labels[here.run.ids[here.position]]}: the first ${rows.length} of ${of} tokens`);
  return el("div", { class: "scroll" }, el("table", { class: "bars tokens" }, caption, el("tr", {}, heads), rows));
}

function numberCell(text, on, key, here) {
  return el("td", { class: "figure" }, el("button", { class: "number", on, "data-key": key, "aria-current": here ? "true" : null }, text));
}

function barCell(share) {
  return el("td", { class: "bar" }, el("span", { class: share < 0 ? "negative" : "positive", style: { width: `${100 * Math.abs(share)}%` } }));
}

function logitsPicture(here, act) {
  const values = Array.from(here.row);
  const most = Math.max(...values.map(Math.abs));
  return tokenRows(here, ["id", "logit", ""], (token, rank) => [
    el("td", { class: "figure dim" }, String(token)),
    numberCell(figure(values[rank]), () => act.column(rank), `column ${rank}`, rank === here.column),
    barCell(values[rank] / most),
  ]);
}

function settingsLine(here) {
  const ledger = here.run.ledgers[here.position];
  const words = `T ${ledger.temperature}, top-k ${ledger.top_k ?? "off"}, top-p ${ledger.top_p} · ${ledger.stay} of ${ledger.of} tokens stay`;
  return el("p", { class: "dim" }, words);
}

function ledgerPicture(here, act) {
  const { rows, draw } = here.run.ledgers[here.position];
  const most = Math.max(...rows.map((row) => row[LEDGER.probabilities])) || 1;
  const open = (name, token, key, text) => numberCell(text, () => act.open(cell(name, here.position, token)), `${name} ${key}`);
  return tokenRows(here, ["logit", "÷ T", "stays", "p", "sum", ""], (token, rank, row) => [
    open("logits", token, rank, figure(here.numbers.at("logits", here.position, rank), 2)),
    open("tempered", token, rank, figure(row[1], 2)),
    el("td", { class: row[0] ? "down" : "up" }, row[0] || "✓"),
    row[0] ? el("td", { class: "figure dim" }, "·")
      : numberCell(percent(row[2]), () => act.column(rank), `column ${rank}`, rank === here.column),
    row[0] ? el("td", { class: "figure dim" }, "·") : open("cumulative", token, rank, row[3].toFixed(3)),
    draw && draw[1] === token ? el("td", { class: "here-text" }, "◂ drawn") : barCell(row[2] / most),
  ]);
}

function drawPicture(here) {
  const { run } = here;
  const { draw, typed, rows, seed } = run.ledgers[here.position];
  if (!draw) {
    const [token, share, rank] = typed;
    return el("p", {}, `Nothing is drawn here: the prompt goes on with ${run.labels[token]}. The model gave it ${percent(share)} (at T 1), rank ${rank}. The draw is at the last token.`);
  }
  const [number, token, start, end] = draw;
  const pieces = rows.map((row, rank) => [row[2], run.labels[here.numbers.at("listed", here.position, rank)]]).filter(([share]) => share > 0);
  const line = pieces.map(([share, label]) => el("span", { style: { width: `${100 * share}%` } }, share > 0.04 ? label : ""));
  const words = el("p", {}, `random number ${number.toFixed(6)} (seed ${seed}) falls on `, el("b", { class: "here" }, run.labels[token]),
    ` (${start.toFixed(4)} to ${end.toFixed(4)})`);
  return el("div", {}, words, el("div", { class: "line", "aria-hidden": "true" }, line, el("i", { style: { left: `${100 * number}%` } }, "▼")),
    el("p", { class: "dim ends", "aria-hidden": "true" }, el("span", {}, "0"), el("span", {}, "the p of the tokens, laid end to end"), el("span", {}, "1")));
}

// A picture of the terminal: lines of spans, each a text and a style.
function terminalPicture(lines) {
  const [share, above, below] = ["share", "above", "below"].map(colours);
  const spans = lines.map((line) => [
    ...line.map(([text, style]) => {
      const [, scale, level] = /^(share|signed):(-?\d+)/.exec(style) || [];
      if (!scale) return el("span", { class: style.replace(/!$/, "") }, text);
      const ground = scale === "share" ? share(level / 16) : (level < 0 ? below : above)(Math.abs(level) / 8);
      return el("span", { style: { background: `rgb(${ground})`, color: ink(ground) } }, text);
    }),
    "\n",
  ]);
  return el("div", { class: "scroll" }, el("pre", { class: "terminal" }, spans.flat()));
}
