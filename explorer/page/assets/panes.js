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
  const name = (group, i) => {
    const { layer } = run.stages[group[0]];
    return layer == null ? (i ? "exit" : "entrance") : `block ${layer}`;
  };
  const across = groups.map((group, i) =>
    link(group.find((index) => run.stages[index].id === here.stage.id) ?? group[0], name(group, i), group === own, `group ${i}`));
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

function numberPane(here, why, asked, trail, act, all) {
  if (!asked) return [el("h2", {}, "number"), el("p", { class: "dim" }, "There are no numbers at this stage yet.")];
  const found = why.explain(asked);
  const value = found.value === undefined ? "not on this page" : full(found.value);
  const pane = [el("h2", {}, trail.length ? `why? ${trail.length} ${trail.length > 1 ? "doors" : "door"} on` : "why this number?")];
  if (trail.length) {
    pane.push(el("p", { class: "trail" },
      el("button", { class: "chip", on: act.return, "data-key": "return" }, "← back"), " ",
      act.canGo(asked) ? el("button", { class: "chip", on: () => act.goTo(asked), "data-key": "go" }, "go there") : null));
  }
  pane.push(el("p", { id: "value" }, `${why.words(asked)} = `, el("b", { class: "value" }, value)));
  if (found.edited) pane.push(el("p", { class: "down" }, `Edited in this run: ${here.run.edits.join("; ")}.`));
  if (found.origin) pane.push(el("p", {}, found.origin));
  if (found.terms.length) pane.push(termsTable(why, found, act, all));
  if (found.line) pane.push(el("p", { class: "dim" }, `${asked.name}[${asked.index.join(",")}] `, el("code", {}, found.line)));
  return pane;
}

function termsTable(why, found, act, all) {
  const single = found.terms.length === 1 && !found.count;
  const shown = all ? found.terms : found.terms.slice(0, DOORS);
  const most = Math.abs(found.terms[0].value) || 1;
  const rows = shown.map((each, n) => termRow(why, each, n, single, most, act));
  const hidden = found.terms.slice(shown.length);
  const count = hidden.length + found.count;
  if (count) {
    const rest = hidden.reduce((sum, each) => sum + each.value, 0) + (found.count ? found.rest : 0);
    const more = hidden.length ? el("button", { class: "chip", on: act.all, "data-key": "all terms" }, `show ${hidden.length}`) : null;
    rows.push(el("tr", { class: "dim" }, el("th", { scope: "row" }, `${count} more, together `, more), el("td"), el("td", { class: "figure" }, figure(rest, 5)), el("td")));
  }
  if (!single && !found.count && Math.abs(found.rest) > 1e-9) {
    const reason = found.edited ? "changed by the edit" : "rounded to seven digits";
    rows.push(el("tr", { class: "dim" }, el("th", { scope: "row" }, reason), el("td"), el("td", { class: "figure" }, figure(found.rest, 5)), el("td")));
  }
  if (!single) rows.push(el("tr", { class: "sum" }, el("th", { scope: "row" }, "sum"), el("td"), el("td", { class: "figure value" }, full(found.value)), el("td")));
  const title = single ? "how it was computed" : `the sum of ${found.terms.length + found.count} terms, the largest first`;
  return el("div", { class: "scroll" }, el("table", { class: "terms" }, el("caption", {}, title), rows));
}

function termRow(why, each, n, single, most, act) {
  const door = (to, text) => el("button", { class: "door", on: () => act.open(to), title: why.words(to), "data-key": `door ${n} ${text}` }, text);
  const number = (piece) => short(piece.value ?? why.value(piece));
  const how = each.pieces.map((piece) => (piece.name ? door(piece, number(piece)) : piece));
  const named = each.label || each.cell;
  const name = named ? el("button", { class: "door", on: () => act.open(each.cell), "data-key": `door ${n}` }, why.words(named, single)) : "";
  const alone = each.pieces.length === 1 && each.cell;
  return el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "how" }, alone ? "" : how),
    el("td", { class: "figure" }, single && !alone ? full(each.value) : figure(each.value, 5)),
    el("td", { class: "bar" }, el("span", { class: each.value < 0 ? "negative" : "positive", style: { width: `${Math.min(100, (100 * Math.abs(each.value)) / most)}%` } })));
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
  const told = lesson.here[here.position];
  const parts = lesson.parts.map(([heading, number]) => [
    el("dt", { class: heading === "here" ? "here-text" : heading === "but" ? "down" : "dim" }, heading),
    el("dd", {}, texts[number < 0 ? (told[here.head] ?? told[0]) : number]),
  ]);
  const words = lesson.words.map(([word, meaning]) => el("details", {}, el("summary", {}, word), texts[meaning]));
  return [el("h2", {}, "lesson"), el("p", {}, el("b", {}, texts[lesson.title])), el("dl", {}, parts), el("div", { class: "words" }, words)];
}

function tourPane(tour, stopAt, texts, go) {
  const stop = tour.stops[stopAt];
  const button = (text, to, key) => el("button", { type: "button", class: "chip", disabled: !tour.stops[to], on: () => go(to), "data-key": key }, text);
  return [
    el("h2", { id: "tour-title" }, `${stopAt + 1} of ${tour.stops.length} · ${stop.title}`),
    el("p", {}, stop.text),
    stop.picture ? terminalPicture(stop.picture) : null,
    el("p", { class: "choices" }, button("P back", stopAt - 1, "stop back"), button("N next", stopAt + 1, "stop on")),
  ];
}
