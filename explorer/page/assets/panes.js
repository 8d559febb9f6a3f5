// The panes beside the picture: tokens, map, the number and why, the next token, the lesson, the tour.
"use strict";

const DOORS = 12; // terms of a sum that are shown at first

function tokensPane(here, act) {
  return here.run.ids.map((token, position) =>
    el("button", {
      type: "button", on: () => act.position(position), "data-key": `token ${position}`,
      class: position === here.position ? "here" : null, "aria-current": position === here.position ? "true" : null,
    }, here.run.labels[token]));
}

const ENTRANCE = ["tokens", "embed", "pos_embed", "sum"];

// The entrance, each block, the exit: the stages of each, by their numbers.
function groupsOf(run) {
  const groups = [];
  run.stages.forEach((stage, index) => {
    if (!index || run.stages[index - 1].layer !== stage.layer) groups.push([]);
    groups.at(-1).push(index);
  });
  return groups;
}

function mapPane(here, link) {
  const { run, at } = here;
  const groups = groupsOf(run);
  const own = groups.find((group) => group.includes(at.stage));
  const name = (group) => {
    const { layer, id } = run.stages[group[0]];
    return layer == null ? (ENTRANCE.includes(id) ? "entrance" : "exit") : `block ${layer}`;
  };
  const across = groups.map((group, i) =>
    link(group.find((index) => run.stages[index].id === here.stage.id) ?? group[0], name(group), group === own, `group ${i}`));
  const down = own.map((index) => link(index, run.stages[index].title, index === at.stage, `stage ${index}`));
  return [el("div", {}, across), el("div", {}, down)];
}

function placeOf(stage) {
  return stage.layer == null ? stage.title : `block ${stage.layer} · ${stage.title}`;
}

function stepPane(here, act) {
  const { stage, at } = here;
  return [
    el("h2", { id: "place", tabindex: -1 }, placeOf(stage)),
    choices(here, act),
    el("div", { id: "picture", tabindex: here.name ? 0 : null, role: here.name ? "group" : null,
      "aria-label": here.name ? "The picture. The arrows move the cursor here." : null, "data-key": "picture" }, picture(here, act)),
    el("p", { class: "accent" }, stage.formula),
    el("p", {}, stage.sentence),
    el("p", { class: "dim" }, [here.name ? `${here.name} ` : "", el("code", {}, stage.line)]),
  ];
}

function choices(here, act) {
  const { stage, axes, at } = here;
  const chip = (label, on, chosen, key) =>
    el("button", { type: "button", class: chosen ? "here" : "chip", on, "aria-pressed": String(chosen), "data-key": key }, label);
  const found = [];
  if (stage.parts.length > 1 && !here.listsTokens) {
    found.push(...stage.parts.map(([label], part) => chip(label, () => act.part(part), part === here.part, `part ${part}`)));
  }
  if (axes.includes("H")) {
    found.push(el("span", { class: "dim" }, " head "));
    for (let head = 0; head < here.run.heads; head++) found.push(chip(String(head), () => act.head(head), head === here.head, `head ${head}`));
    found.push(chip("all heads", act.overview, at.overview, "overview"));
  }
  return found.length ? el("div", { class: "choices" }, found) : null;
}

// The number and why

// `state`: the doors gone through, whether all terms are shown, whether sums of sums are taken apart.
function numberPane(here, asked, state, act) {
  const { why } = here.run;
  const { doors, all, unrolled } = state;
  if (!asked) return [el("h2", {}, "number"), el("p", { class: "dim" }, "There are no numbers at this stage yet.")];
  const found = why.explain(asked, unrolled);
  const chip = (text, on, key) => el("button", { type: "button", class: "chip", on, "data-key": key }, text);
  const ways = [
    doors.length ? chip("← back", act.return, "return") : null,
    doors.length && act.canGo(asked) ? chip("go there", () => act.goTo(asked), "go") : null,
    why.canUnroll(asked) ? chip(unrolled ? "in one step" : "all that was ever written", act.unroll, "unroll") : null,
  ];
  const value = found.value === undefined ? "not on this page" : full(found.value);
  return [
    el("h2", {}, doors.length ? `why? ${doors.length} ${doors.length > 1 ? "doors" : "door"} on` : "why this number?"),
    el("p", { id: "value" }, `${why.words(asked)} = `, el("b", { class: "value" }, value)),
    ways.some(Boolean) ? el("p", { class: "choices trail" }, ways) : null,
    found.edited ? el("p", { class: "down" }, `Edited in this run: ${here.run.edits.join("; ")}.`) : null,
    found.origin ? el("p", {}, found.origin) : null,
    found.terms.length ? (found.terms.length === 1 && !found.count ? formula(why, found, act) : termsTable(why, found, act, all)) : null,
    found.line ? el("p", { class: "dim" }, `${asked.name}[${asked.index.join(",")}] `, el("code", {}, found.line)) : null,
  ];
}

function doorTo(why, to, text, key, act) {
  return el("button", { type: "button", class: "door", on: () => act.open(to), title: why.words(to), "data-key": `door ${key}` }, text);
}

const numberOf = (why, piece) => short(piece.value ?? why.value(piece));

// One operation: its numbers in a line, and below it what each of them is.
function formula(why, found, act) {
  const { pieces } = found.terms[0];
  const cells = pieces.filter((piece) => piece.name);
  const line = pieces.map((piece) => (piece.name ? doorTo(why, piece, numberOf(why, piece), `${piece.name} in line`, act) : piece));
  const rows = cells.map((piece, n) => el("tr", {},
    el("th", { scope: "row" }, doorTo(why, piece, why.words(piece), n, act)),
    el("td", { class: "figure" }, full(piece.value ?? why.value(piece)))));
  return el("div", {}, el("p", {}, "= ", line), el("div", { class: "scroll" }, el("table", { class: "terms" }, rows)));
}

function termsTable(why, found, act, all) {
  const shown = all ? found.terms : found.terms.slice(0, DOORS);
  const most = Math.abs(found.terms[0].value) || 1;
  const rows = shown.map((each, n) => termRow(why, each, n, most, act));
  const line = (name, value, kind = "dim") =>
    rows.push(el("tr", { class: kind }, el("th", { scope: "row", colspan: 2 }, name), el("td", { class: "figure" }, value), el("td")));
  const hidden = found.terms.slice(shown.length);
  const count = hidden.length + found.count;
  if (count) {
    const rest = hidden.reduce((sum, each) => sum + each.value, 0) + (found.count ? found.rest : 0);
    const more = hidden.length ? el("button", { type: "button", class: "chip", on: act.all, "data-key": "all terms" }, `show ${hidden.length}`) : "";
    line([`${count} more, together `, more], figure(rest, 5));
  }
  if (!found.count && Math.abs(found.rest) > 1e-9) {
    line(found.edited ? "changed by the edit" : "rounded to seven digits", figure(found.rest, 5));
  }
  line("sum", el("b", { class: "value" }, full(found.value)), "sum");
  const title = `the sum of ${found.terms.length + found.count} terms, the largest first`;
  return el("div", { class: "scroll" }, el("table", { class: "terms" }, el("caption", {}, title), rows));
}

function termRow(why, each, n, most, act) {
  const alone = each.pieces.length === 1;
  const how = each.pieces.map((piece, i) => (piece.name ? doorTo(why, piece, numberOf(why, piece), `${n} ${i}`, act) : piece));
  const named = each.label || each.cell;
  return el("tr", {},
    el("th", { scope: "row" }, named ? doorTo(why, each.cell, why.words(named, true), n, act) : ""),
    el("td", { class: "how" }, alone ? "" : how),
    el("td", { class: "figure" }, figure(each.value, 5)),
    barCell(Math.min(1, Math.abs(each.value) / most) * Math.sign(each.value)));
}

// The next token

function nextPane(here, act) {
  const { run, position, stage } = here;
  const residual = stage.residual;
  const before = run.stages[here.at.stage].before;
  const lens = residual ? run.lenses[residual][position] : [];
  const then = before ? new Map(run.lenses[before][position].map(([token, share]) => [token, share])) : null;
  const list = (title, entries, name, change) =>
    el("table", { class: "bars" }, el("caption", {}, title), entries.map(([token, share]) => {
      const text = percent(share);
      const moved = change && then?.has(token) ? share - then.get(token) : 0;
      const arrow = Math.abs(moved) < 0.0005 ? "" : `${moved > 0 ? "▲" : "▼"}${(100 * Math.abs(moved)).toFixed(1)}`;
      return el("tr", {}, el("th", { scope: "row" }, run.labels[token]),
        numberCell(text, () => act.open(cell("lens", name, position, token)), `${name} ${token}`),
        el("td", { class: `figure ${moved > 0 ? "up" : "down"}` }, arrow),
        el("td", { class: "bar" }, el("span", { class: change ? "lens" : "positive", style: { width: `${(100 * share) / entries[0][1]}%` } })));
    }));
  return [
    el("h2", {}, "next token"),
    residual ? list("if it stopped here", lens, residual, true) : el("p", { class: "dim" }, "if it stopped here: nothing yet"),
    list("at the end, at temperature 1", run.answers[position].slice(0, 5), "end", false),
    run.edits.length ? el("p", { class: "down" }, `edited: ${run.edits.join("; ")}`) : null,
  ];
}

// Lesson and tour

function lessonPane(here, texts) {
  const lesson = here.run.lessons[here.at.stage];
  const told = lesson.here[here.position]; // null where only the last token of a long text is told about
  const parts = lesson.parts.filter(([, number]) => number >= 0 || told).map(([heading, number]) => [
    el("dt", { class: heading === "here" ? "here-text" : heading === "but" ? "down" : "dim" }, heading),
    el("dd", {}, texts[number < 0 ? (told[here.head] ?? told[0]) : number]),
  ]);
  const words = lesson.words.map(([word, meaning]) => el("details", {}, el("summary", {}, word), texts[meaning]));
  return [el("h2", {}, "lesson"), el("p", {}, el("b", {}, texts[lesson.title])), el("dl", {}, parts), el("div", { class: "words" }, words)];
}

function tourPane(tour, stopAt, go, leave) {
  const stop = tour.stops[stopAt];
  const button = (text, to, key) => el("button", { type: "button", class: "chip", disabled: !tour.stops[to], on: () => go(to), "data-key": key }, text);
  return [
    el("h2", { id: "tour-title" }, `${stopAt + 1} of ${tour.stops.length} · ${stop.title}`),
    el("p", {}, stop.text),
    stop.picture ? terminalPicture(stop.picture) : null,
    el("p", { class: "choices" }, button("P back", stopAt - 1, "stop back"), button("N next", stopAt + 1, "stop on"),
      el("button", { type: "button", class: "chip", on: leave, "data-key": "leave" }, "E leave the tour")),
  ];
}
