// Keys, swipes, themes and print; and the beginning of it all.
"use strict";

const inPicture = () => Boolean(document.activeElement?.closest?.("#picture"));

function keysOf(walk) {
  const { at } = walk;
  return {
    ArrowLeft: () => (inPicture() ? walk.within(-1, 0) : walk.stage(at.stage - 1)),
    ArrowRight: () => (inPicture() ? walk.within(1, 0) : walk.stage(at.stage + 1)),
    ArrowUp: () => (inPicture() ? walk.within(0, -1) : walk.block(-1)),
    ArrowDown: () => (inPicture() ? walk.within(0, 1) : walk.block(1)),
    ",": () => walk.token(at.position - 1),
    ".": () => walk.token(at.position + 1),
    "<": () => walk.token(0),
    ">": () => walk.token(walk.run.ids.length - 1),
    h: () => walk.head(1),
    H: () => walk.head(-1),
    v: () => walk.part(),
    o: () => { if (walk.here.axes.includes("H")) walk.act.overview(); },
    l: () => { walk.lesson = !walk.lesson; walk.render(); },
    t: () => theme(walk),
    Enter: () => find("number").querySelector("button.door, button.chip")?.focus(),
    Backspace: () => { if (walk.doors.length) walk.act.return(); },
    Escape: () => { document.activeElement?.blur?.(); if (walk.doors.length) { walk.doors = []; walk.render(); } },
    u: () => walk.act.unroll(),
    N: () => walk.stop(walk.stopAt + 1),
    P: () => (walk.stopAt >= 0 ? walk.stop(walk.stopAt - 1) : walk.printAll()),
    E: () => walk.leaveTour(),
    "?": () => find("help").showModal(),
  };
}

function listen(walk) {
  const keys = keysOf(walk);
  document.addEventListener("keydown", (event) => {
    const inside = event.target.closest("input, dialog[open]");
    if (event.ctrlKey || event.metaKey || event.altKey || inside || !(event.key in keys)) return;
    if (event.key === "Enter" && event.target.closest("button, a, summary")) return;
    event.preventDefault();
    keys[event.key]();
  });
  find("back").addEventListener("click", () => walk.stage(walk.at.stage - 1));
  find("on").addEventListener("click", () => walk.stage(walk.at.stage + 1));
  find("theme").addEventListener("click", () => theme(walk));
  find("whole").addEventListener("click", () => walk.printAll());
  find("ask").addEventListener("click", () => find("help").showModal());
  window.addEventListener("popstate", () => { walk.stopAt = -1; walk.readAddress(); walk.render(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => walk.render());
  swipes(walk);
  prints(walk);
}

// A finger that goes far to one side, and hardly up or down; not where it scrolls a wide table.
function swipes(walk) {
  let from = null;
  document.addEventListener("touchstart", (event) => {
    const wide = event.target.closest(".scroll, input");
    const touch = event.touches[0];
    from = event.touches.length > 1 || (wide && wide.scrollWidth > wide.clientWidth) ? null : [touch.clientX, touch.clientY];
  }, { passive: true });
  document.addEventListener("touchend", (event) => {
    if (!from) return;
    const [across, down] = [event.changedTouches[0].clientX - from[0], event.changedTouches[0].clientY - from[1]];
    from = null;
    if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(down)) walk.stage(walk.at.stage + (across < 0 ? 1 : -1));
  }, { passive: true });
}

const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function theme(walk) {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  walk.render();
}

// Paper is light; the pictures are painted for it and back again.
function prints(walk) {
  let before;
  window.addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    walk.render();
    if (document.body.classList.contains("whole")) walk.showAll();
  });
  window.addEventListener("afterprint", () => {
    if (before === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = before;
    document.body.classList.remove("whole");
    find("all").replaceChildren();
    walk.render();
  });
}

async function begin() {
  try {
    if (!("DecompressionStream" in window)) throw new Error("it needs a browser of 2023 or later");
    const walk = new Walk(await unpacked(find("data").textContent));
    find("data").remove();
    if (walk.tour) {
      walk.stopAt = 0;
      walk.stand(walk.tour.stops[0].place);
    }
    walk.readAddress();
    walk.render();
    listen(walk);
    window.walk = walk;
  } catch (error) {
    find("notice").hidden = false;
    find("notice").textContent = `This page could not be opened: ${error.message}.`;
    throw error;
  }
}

begin();
