// The walk: where it stands, what keys, clicks and swipes do, and the address of every step.
"use strict";

const find = (id) => document.getElementById(id);

class Walk {
  constructor(data) {
    Object.assign(this, { data, tour: data.tour, stopAt: -1, doors: [], all: false, unrolled: false, lesson: true });
    for (const run of data.runs) {
      run.why = new Why(run);
    }
    this.run = data.runs[0];
    this.at = { stage: 0, position: 0, head: 0, overview: false, parts: {}, columns: {} };
    this.stand(data.start);
    this.act = {
      position: (position) => this.move(() => { this.at.position = position; }),
      head: (head) => this.move(() => { this.at.head = head; }),
      part: (part) => this.move(() => { this.at.parts[alike(this.here.stage)] = part; }),
      overview: () => this.move(() => { this.at.overview = !this.at.overview; }),
      column: (column) => this.move(() => this.choose(column)),
      cell: (position, column) => this.move(() => { this.at.position = position; this.choose(column); }),
      open: (to) => this.door(to),
      return: () => { this.doors.pop(); this.all = false; this.render(); },
      all: () => { this.all = true; this.render(); },
      unroll: () => { this.unrolled = !this.unrolled; this.render(); },
      canGo: (to) => this.stageOf(to.name) >= 0,
      goTo: (to) => this.goTo(to),
    };
  }

  get here() {
    return new Here(this.run, this.at);
  }

  choose(column) {
    this.at.columns[this.here.axes.at(-1)] = column;
  }

  // To a place of a run: { run, stage, position, head, column, part }.
  stand({ run = 0, stage, position, head = 0, column, part }) {
    this.run = this.data.runs[run];
    Object.assign(this.at, { stage, position, head, overview: false, columns: {} });
    if (part !== undefined) this.at.parts[alike(this.run.stages[stage])] = part;
    else delete this.at.parts[alike(this.run.stages[stage])];
    this.doors = [];
    this.all = false;
    if (column !== undefined) this.choose(column);
  }

  // Moves

  move(change, anew = false) {
    change();
    this.doors = [];
    this.all = false;
    this.render();
    const hash = this.address();
    if (hash !== location.hash) history[anew ? "pushState" : "replaceState"](null, "", hash);
  }

  stage(index) {
    if (!(index in this.run.stages) || index === this.at.stage) return;
    this.move(() => { this.at.stage = index; }, true);
    this.tell();
  }

  block(by) {
    const groups = groupsOf(this.run);
    const own = groups.findIndex((group) => group.includes(this.at.stage));
    const there = groups[own + by];
    if (!there) return this.stage(by < 0 ? groups[own][0] : groups[own].at(-1));
    return this.stage(there.find((index) => this.run.stages[index].id === this.here.stage.id) ?? there[0]);
  }

  token(position) {
    const last = this.run.ids.length - 1;
    this.act.position(Math.min(Math.max(0, position), last));
    this.say(`token ${this.at.position + 1} of ${last + 1}: ${this.run.labels[this.run.ids[this.at.position]]}`);
  }

  within(across, down) {
    const here = this.here;
    if (!here.name) return;
    this.act.cell(Math.min(Math.max(0, here.position + down), this.run.ids.length - 1), Math.max(0, here.column + across));
    const now = this.here;
    this.act.column(now.column);
    this.say(`${this.run.why.words(now.cell())}, ${full(this.run.why.value(now.cell()))}`);
  }

  head(by) {
    if (this.here.axes.includes("H")) this.act.head((this.at.head + by + this.run.heads) % this.run.heads);
  }

  part() {
    const here = this.here;
    if (here.stage.parts.length > 1) this.act.part((here.part + 1) % here.stage.parts.length);
  }

  // Doors

  door(to) {
    this.doors.push(to);
    this.all = false;
    this.render();
    this.say(`${this.run.why.words(to)}, ${full(this.run.why.value(to) ?? NaN)}`);
    find("number").scrollIntoView({ block: "nearest" });
  }

  // The stage that shows an activation, or that it belongs to; -1 where none does.
  stageOf(name) {
    const bare = name.replace(/\.total$/, "");
    const shown = this.run.stages.findIndex((stage) => stage.parts.some(([, each]) => each === bare));
    if (name in LEDGER) return this.run.stages.findIndex((stage) => stage.kind === "ledger");
    if (shown >= 0 || !name.includes("hook_")) return shown;
    const room = name.slice(0, name.lastIndexOf("."));
    if (name.endsWith("hook_result")) return this.run.stages.findIndex((s) => s.kind === "heads_out" && s.parts[0][1].startsWith(room.slice(0, -4)));
    return this.run.stages.findIndex((stage) => stage.kind === "norm" && stage.parts[0][1].startsWith(`${room}.`));
  }

  goTo({ name, index }) {
    this.move(() => {
      this.at.stage = this.stageOf(name);
      const stage = this.run.stages[this.at.stage];
      const part = stage.parts.findIndex(([, each]) => each === name);
      if (part >= 0) this.at.parts[alike(stage)] = part;
      const axes = name in LEDGER ? "TV" : this.run.words[name.replace(/\.total$/, "")][0];
      const at = (axis) => index[axes.indexOf(axis)];
      this.at.position = at("T");
      if (axes.includes("H")) this.at.head = at("H");
      const last = index.length === axes.length && axes.at(-1) !== "1" ? index.at(-1) : undefined;
      if (last !== undefined && part >= 0) this.choose(axes === "TV" ? Math.max(0, this.run.numbers.rank(at("T"), last)) : last);
    }, true);
    this.tell();
  }

  // Tour

  stop(at) {
    if (!this.tour || !this.tour.stops[at]) return;
    this.stopAt = at;
    const stop = this.tour.stops[at];
    this.stand(stop.place);
    this.render();
    history.pushState(null, "", `#tour-${at + 1}`);
    this.say(`Stop ${at + 1} of ${this.tour.stops.length}: ${stop.title}. ${stop.text}`);
    find("tour").scrollIntoView({ block: "nearest" });
  }

  leaveTour() {
    if (!this.tour) return;
    this.leftAt = this.stopAt >= 0 ? this.stopAt : this.leftAt;
    if (this.stopAt < 0) {
      this.stop(this.leftAt ?? 0);
      return;
    }
    const { anchor } = this.here.stage;
    const there = this.data.runs[0].stages.findIndex((stage) => stage.anchor === anchor);
    this.move(() => {
      this.stopAt = -1;
      if (this.run !== this.data.runs[0]) this.stand({ ...this.data.start, stage: Math.max(0, there) });
    }, true);
  }

  // Addresses: #block-2-pattern, and behind it what is not as it was at first.

  address(stage = this.at.stage) {
    const { position, head, parts, columns } = this.at;
    const here = new Here(this.run, { ...this.at, stage });
    const words = [`#${this.run.stages[stage].anchor}`];
    if (this.data.runs.indexOf(this.run)) words.push(`run-${this.data.runs.indexOf(this.run)}`);
    if (position !== this.run.ids.length - 1) words.push(`token-${position}`);
    if (here.axes.includes("H") && head) words.push(`head-${head}`);
    if (alike(here.stage) in parts && here.part !== here.stage.parts.length - 1) words.push(`part-${here.part}`);
    if (here.axes.at(-1) in columns) words.push(`column-${here.column}`);
    return words.join("/");
  }

  readAddress() {
    const [name, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
    const stop = /^tour-(\d+)$/.exec(name);
    if (stop && this.tour?.stops[stop[1] - 1]) {
      this.stopAt = stop[1] - 1;
      this.stand(this.tour.stops[this.stopAt].place);
      return;
    }
    const given = Object.fromEntries(rest.map((word) => [word.split("-")[0], Number(word.split("-")[1])]));
    const run = this.data.runs[given.run || 0];
    const stage = run ? run.stages.findIndex((each) => each.anchor === name) : -1;
    if (stage < 0) return;
    const held = (number, count) => (Number.isInteger(number) && number >= 0 && number < count ? number : undefined);
    this.stand({
      run: given.run || 0, stage, position: held(given.token, run.ids.length) ?? run.ids.length - 1,
      head: held(given.head, run.heads) ?? 0, part: held(given.part, run.stages[stage].parts.length), column: held(given.column, 1e6),
    });
  }

  // The parts of the page

  render() {
    const key = document.activeElement?.closest?.("[data-key]")?.dataset.key;
    const { here, act } = this;
    const asked = this.doors.at(-1) || here.cell();
    find("model").textContent = `${this.run.model} · ${this.run.engine}`;
    find("tokens").replaceChildren(...tokensPane(here, act));
    find("tokens").scrollTop = find("tokens").children[here.position].offsetTop - find("tokens").offsetTop - 20;
    find("map").replaceChildren(...mapPane(here, (index, text, on, name) => this.link(index, text, on, name)));
    fill("step", stepPane(here, act));
    fill("number", numberPane(here, asked, this, act));
    fill("next", nextPane(here, act));
    fill("lesson", lessonPane(here, this.data.texts));
    find("lesson").hidden = !this.lesson;
    find("tour").hidden = this.stopAt < 0;
    if (this.stopAt >= 0) fill("tour", tourPane(this.tour, this.stopAt, (to) => this.stop(to), () => this.leaveTour()));
    find("count").textContent = `${this.at.stage + 1} of ${this.run.stages.length}`;
    find("back").disabled = !this.at.stage;
    find("on").disabled = this.at.stage === this.run.stages.length - 1;
    document.title = `${placeOf(here.stage)} – ${this.data.title}`;
    if (key) document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }

  link(index, text, on, key) {
    const made = el("a", { href: this.address(index), class: on ? "here" : null, "aria-current": on ? "step" : null, "data-key": key }, text);
    made.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.stage(index);
    });
    return made;
  }

  tell() {
    const { stage } = this.here;
    this.say(`Step ${this.at.stage + 1} of ${this.run.stages.length}: ${placeOf(stage)}. ${stage.sentence}`);
  }

  say(text) {
    find("said").textContent = text;
  }

  // Every step of this run, one below the other, for print.
  printAll() {
    document.body.classList.add("whole");
    window.print();
  }

  showAll() {
    const steps = this.run.stages.map((_, stage) => {
      const here = new Here(this.run, { ...this.at, stage });
      const asked = here.cell();
      const panes = [stepPane(here, this.act), asked ? numberPane(here, asked, { doors: [] }, this.act).filter(Boolean) : [], lessonPane(here, this.data.texts)];
      const made = el("article", {}, panes.map((pane) => el("section", {}, pane)));
      made.querySelectorAll("[id]").forEach((each) => each.removeAttribute("id"));
      return made;
    });
    find("all").replaceChildren(...steps);
  }
}

function fill(id, pane) {
  find(id).replaceChildren(...pane.filter((each) => each != null));
}
