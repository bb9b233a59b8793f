// The bench's script: sends gestures, draws states. It keeps nothing but the state it shows.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const SILENCE_MS = 7000; // three heartbeats
const DRAG_PX = 20;
const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
let shown = null; // the newest state
let heard = 0; // when it came
let saidTimer = 0;

function say(words, done) {
  const said = byId("said");
  said.textContent = words;
  said.classList.toggle("refused", !done);
  said.classList.add("now");
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => said.classList.remove("now"), 3500);
}

async function gesture(fields) {
  try {
    const answer = await fetch("/do", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(fields),
    });
    const told = await answer.json();
    say(told.error || told.words, Boolean(told.done));
    return Boolean(told.done);
  } catch {
    say("The simulator does not answer.", false);
    return false;
  }
}

function fieldsOf(element) {
  const { action, from, as, ...fields } = element.dataset;
  const names = (as || "").split(" ");
  (from || "").split(" ").filter(Boolean).forEach((id, place) => {
    fields[names[place]] = byId(id).value;
  });
  return { action, ...fields };
}

function shake(drawer) {
  const steps = [0, 3, -1, 2, 0].map((y) => ({ transform: `translateY(${y}px)` }));
  if (!calm) drawer.querySelector(".slide").animate(steps, 220);
}

async function move(id, outward) {
  const drawer = document.querySelector(`[data-drawer="${CSS.escape(id)}"]`);
  const done = await gesture({ action: outward ? "pull" : "push", drawer: id });
  if (!done && outward) shake(drawer);
}

function toggle(id) {
  const drawer = shown && shown.drawers[id];
  if (drawer) move(id, !drawer.open);
}

// A drawer is clicked, or dragged down (pulled) or up (pushed).
let drag = null;
document.addEventListener("pointerdown", (event) => {
  const front = event.target.closest("[data-toggle]");
  if (front && event.button === 0) drag = { id: front.dataset.toggle, y: event.clientY };
});
document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { id, y } = drag;
  drag = null;
  const moved = event.clientY - y;
  if (Math.abs(moved) >= DRAG_PX) move(id, moved > 0);
  else if (event.target.closest("[data-toggle]")) toggle(id);
});
document.addEventListener("pointercancel", () => { drag = null; });

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-action]");
  if (pressed) gesture(fieldsOf(pressed));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const target = event.target;
  if ((event.key === "Enter" || event.key === " ") && target.matches("svg [role=button]")) {
    event.preventDefault();
    if (target.dataset.toggle) toggle(target.dataset.toggle);
    else gesture(fieldsOf(target));
  } else if (/^[1-9]$/.test(event.key) && !target.matches("select, input") && shown) {
    const id = Object.keys(shown.drawers)[Number(event.key) - 1];
    if (id) toggle(id);
  } else if (event.key === "l" && !target.matches("select, input")) {
    gesture({ action: "lift" });
  }
});

// --- drawing ---

function shade(code) {
  let sum = 0;
  for (const letter of code) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  return `pill-${sum % 7}`;
}

function pills(pocket, tablets) {
  const large = pocket.classList.contains("large");
  const radius = large ? 5 : 4, step = large ? 12.5 : 10, rows = large ? 4 : 2;
  const columns = Math.max(1, Math.floor(Number(pocket.dataset.width) / step));
  const group = pocket.querySelector(".pills");
  const total = tablets.reduce((sum, it) => sum + it.count, 0);
  const drawn = [];
  for (const it of tablets) {
    for (let n = 0; n < it.count && drawn.length < columns * rows; n += 1) {
      const place = drawn.length;
      const pill = document.createElementNS(SVG, "circle");
      pill.setAttribute("r", radius);
      pill.setAttribute("cx", Number(pocket.dataset.left) + radius + (place % columns) * step);
      pill.setAttribute("cy", Number(pocket.dataset.top) + Math.floor(place / columns) * step);
      pill.setAttribute("class", `pill ${shade(it.medicine)}`);
      drawn.push(pill);
    }
  }
  group.replaceChildren(...drawn);
  pocket.querySelector(".count").textContent = total ? String(total) : "empty";
  pocket.classList.toggle("empty", total === 0);
  const there = tablets.map((it) => `${it.count} of ${it.name}`).join(", ");
  const listed = pocket.querySelector(".listed");
  if (listed) {
    listed.textContent = there || "one-way: what is in stays in";
    fit(listed);
  }
  let title = pocket.querySelector("title");
  if (!title) {
    title = document.createElementNS(SVG, "title");
    pocket.prepend(title);
  }
  title.textContent = `${pocket.dataset.place}: ${there || "empty"}`;
}

function fit(text) {
  text.removeAttribute("textLength");
  if (text.getComputedTextLength() > Number(text.dataset.fit)) {
    text.setAttribute("textLength", text.dataset.fit);
    text.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
}

function drawDrawer(id, now, before) {
  const drawer = document.querySelector(`[data-drawer="${CSS.escape(id)}"]`);
  drawer.classList.toggle("open", now.open);
  drawer.classList.toggle("released", !now.hook);
  drawer.classList.toggle("coil", now.coil);
  drawer.classList.toggle("lit", now.light);
  drawer.classList.toggle("faulty", now.faults.length > 0);
  drawer.querySelector(".slide").style.transform =
    now.open ? `translateY(${drawer.dataset.travel}px)` : !now.hook ? "translateY(5px)" : "";
  const faults = now.faults.map((it) => it.replace("_", " "));
  drawer.querySelector(".fault").textContent = faults.join(", ");
  if (before && now.pulses > before.pulses) {
    const frames = [{ opacity: 1 }, { opacity: 1, offset: 0.6 }, { opacity: 0 }];
    drawer.querySelector(".bolt").animate(frames, 900);
  }
  for (const [place, tablets] of Object.entries(now.tablets)) {
    if (!before || JSON.stringify(before.tablets[place]) !== JSON.stringify(tablets)) {
      pills(drawer.querySelector(`[data-place="${CSS.escape(place)}"]`), tablets);
    }
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function button(text, fields, className) {
  const made = element("button", className, text);
  Object.assign(made.dataset, fields);
  return made;
}

function drawHands(state) {
  const bin = Object.entries(state.drawers).find(([id, it]) => it.open && id in it.tablets);
  const lines = state.hands.map((it) => {
    const line = element("li");
    const name = element("span", "held-tablet");
    name.append(element("b", "", String(it.count)), ` ${it.name}`);
    const buttons = element("div", "row");
    const part = { action: "part", medicine: it.medicine };
    buttons.append(
      button("Give 1", { ...part, to: "the patient" }),
      button("Waste 1", { ...part, to: "waste" }),
    );
    const put = bin && { action: "put", pocket: bin[0], medicine: it.medicine };
    if (put) buttons.append(button(`Into ${bin[0]}`, put));
    line.append(name, buttons);
    return line;
  });
  const nothing = "Nothing. What you take from a drawer comes here.";
  if (!lines.length) lines.push(element("li", "nothing", nothing));
  byId("hands").replaceChildren(...lines);
}

function drawEvents(events, before) {
  const list = byId("events");
  const newest = before && before.events.length ? before.events[0].number : 0;
  list.replaceChildren(...events.map((it) => {
    const line = element("li", `tone-${it.tone}${before && it.number > newest ? " new" : ""}`);
    line.append(element("time", "", it.time), element("span", "", it.words));
    return line;
  }));
}

function drawDevices(state, before) {
  for (const [device, plugged] of Object.entries(state.plugged)) {
    byId(`device-${device}`).classList.toggle("off", !plugged || !state.mains);
    byId(`device-${device}`).classList.toggle("unplugged", !plugged);
    const plug = byId(`plug-${device}`);
    plug.dataset.action = plugged ? "unplug" : "plug";
    plug.setAttribute("aria-pressed", String(plugged));
    plug.querySelector("small").textContent = plugged ? "plugged in" : "unplugged";
  }
  byId("fingertip").classList.toggle("on", Boolean(state.finger));
  byId("finger-name").textContent = state.finger_name || "fingerprint";
  fit(byId("finger-name"));
  for (const chip of document.querySelectorAll("[data-finger]")) {
    chip.classList.toggle("on", chip.dataset.finger === state.finger);
  }
  byId("beeper").classList.toggle("on", state.beeper);
  if (before && state.badge > before.badge) {
    byId("held-name").textContent = state.badge_name.split(" ")[0];
    byId("held-badge").animate([
      { transform: "translateY(70px)", opacity: 0 },
      { transform: "none", opacity: 1, offset: 0.25 },
      { transform: "none", opacity: 1, offset: 0.7 },
      { transform: "translateY(70px)", opacity: 0 },
    ], { duration: calm ? 1 : 1500, easing: "ease-out" });
  }
  if (before && state.scan > before.scan) {
    const sweep = [-18, 18].map((y) => ({ transform: `translateY(${y}px)`, opacity: 1 }));
    const twice = { duration: calm ? 1 : 450, iterations: 2, direction: "alternate" };
    byId("beam").animate(sweep, twice);
  }
}

function draw(state) {
  const before = shown;
  shown = state;
  byId("hint").textContent = state.hint;
  document.body.classList.toggle("dark", !state.mains);
  const lamp = byId("controller");
  lamp.className = `lamp ${state.controller ? (state.connected ? "good" : "wait") : "bad"}`;
  lamp.textContent = !state.mains ? "no power" : !state.controller ? "cabinet stopped"
    : state.connected ? "cabinet running" : "cabinet starting";
  byId("screen").classList.toggle("off", !state.controller);
  byId("screen-says").textContent = state.controller ? "click to open it" : "dark";
  const power = byId("power");
  const off = !state.mains || !state.controller;
  power.dataset.action = off ? "restore" : "cut";
  power.textContent = off ? "Restore the power" : "Cut the power";
  power.classList.toggle("off", off);
  for (const [id, drawer] of Object.entries(state.drawers)) {
    drawDrawer(id, drawer, before && before.drawers[id]);
  }
  drawDevices(state, before);
  const changed = (...names) => !before
    || names.some((name) => JSON.stringify(before[name]) !== JSON.stringify(state[name]));
  if (changed("hands", "drawers")) drawHands(state);
  if (changed("events")) drawEvents(state.events, before);
}

// --- staying connected ---

function lost() {
  document.body.classList.add("lost");
  byId("hint").textContent = "Not connected: the simulator does not answer. Is it still running?";
}

function connect() {
  const stream = new EventSource("/events");
  stream.onmessage = (event) => {
    heard = Date.now();
    document.body.classList.remove("lost");
    draw(JSON.parse(event.data));
  };
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    stream.close();
    setTimeout(connect, 1000);
  };
}

setInterval(() => {
  if (heard && Date.now() - heard > SILENCE_MS) lost();
  byId("clock").textContent = new Date().toTimeString().slice(0, 5);
}, 1000);
byId("clock").textContent = new Date().toTimeString().slice(0, 5);
document.querySelectorAll("text[data-fit]").forEach(fit);
connect();
