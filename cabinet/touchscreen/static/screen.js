// The touchscreen's page: keeps it current, sends presses once, types digits and letters.
// Not for rules or texts; every word comes from the server. One rule: nothing moves under a finger,
// and what is not known to be current cannot be pressed.
"use strict";
(() => {
  const SAME_TAP_MS = 400; // a second tap on the same element is a bounce
  const NEW_SCREEN_MS = 250; // a new screen's primary waits for eyes; after "one moment", all do
  const RELEASE_MS = 300; // live updates wait this long after a finger leaves
  const LONGEST_TOUCH_MS = 10000; // a touch whose end was lost
  const SILENCE_MS = 20000; // the server says something every 10 s
  const ANSWER_MS = 12000;
  const FETCH_MS = 5000;
  const RETRY_MS = 1000;
  const LOOK_MS = 10000; // what was typed is hidden again
  const PRIVATE_MS = 60000; // who is signed in would have been signed out by now

  const byId = (id) => document.getElementById(id);
  const now = () => performance.now();

  let source = null; // the event stream
  let heardAt = now();
  let connected = true;
  let lostAt = 0;
  let displaced = false; // another window has the screen
  let fetching = false;
  let fetchAgain = false;
  let pressing = false;
  let lastTap = { what: "", at: -Infinity };
  let shownAt = now();
  let unseen = false; // what is shown came by itself, after a screen with nothing to press
  let touchedAt = null; // when the finger that is down came down
  let releasedAt = -Infinity;
  let heldAnswer = null; // pages that wait for the finger to leave
  let heldUpdate = null;
  let lastStay = -Infinity;
  let shift = true;
  let marks = false; // the keys are marks instead of letters
  let full = false; // the last key was not taken: no more fits
  let lookedAt = -Infinity;

  // --- the page -------------------------------------------------------------------------------

  function regions(root) {
    return new Map([...root.querySelectorAll("[data-region]")].map((r) => [r.dataset.region, r]));
  }

  function sameNames(one, other) {
    return one.size === other.size && [...one.keys()].every((name) => other.has(name));
  }

  function typedIn(root) {
    return new Map([...root.querySelectorAll("input[data-typed]")].map((i) => [i.id, i.value]));
  }

  // An answer brings what still stands there; what was typed meanwhile, or comes by itself, stays.
  function typedAfter(current, next, answered) {
    const typed = typedIn(current);
    for (const [id, value] of answered ? typedIn(next) : []) {
      if (!typed.get(id)) typed.set(id, value);
    }
    return typed;
  }

  function retype(typed) {
    for (const [id, value] of typed) {
      const input = byId(id);
      if (input) input.value = value;
    }
  }

  function merge(current, next, answered) {
    const before = regions(current);
    const after = regions(next);
    const typed = typedAfter(current, next, answered);
    if (!sameNames(before, after)) {
      const notice = before.get("notice");
      const fresh = document.importNode(next, true);
      if (!answered) regions(fresh).get("notice").replaceWith(notice);
      current.replaceWith(fresh);
      retype(typed);
      return;
    }
    for (const [name, region] of after) {
      if (name === "notice" && !answered) continue; // what was said stays said
      if (!before.get(name).isEqualNode(region)) {
        before.get(name).replaceWith(document.importNode(region, true));
      }
    }
    retype(typed);
    current.className = next.className;
    current.dataset.revision = next.dataset.revision;
  }

  function older(one, other) {
    return (
      one.dataset.serving === other.dataset.serving &&
      Number(one.dataset.revision) < Number(other.dataset.revision)
    );
  }

  function pressable() {
    return document.querySelector("#screen button[type=submit]") !== null;
  }

  function show(page, answered) {
    const current = byId("screen");
    const next = drawn(page);
    const same = next.dataset.key === current.dataset.key;
    if (older(next, current)) {
      if (answered) regions(current).get("notice").replaceWith(regions(next).get("notice"));
      if (answered && same) retype(typedAfter(current, next, answered));
    } else if (same) {
      merge(current, next, answered);
    } else {
      unseen = !answered && !pressable();
      current.replaceWith(document.importNode(next, true));
      shownAt = now();
      marks = full = false;
      const heading = byId("screen").querySelector("h1");
      if (heading) heading.focus({ preventScroll: true });
    }
    if (answered || !same) shift = startsWord(typedInput()?.value ?? "");
    settle();
  }

  function settle() {
    byId("screen").inert = !connected || displaced;
    byId("lost").hidden = connected || displaced;
    byId("elsewhere").hidden = !displaced;
    const stale = !connected && now() - lostAt > PRIVATE_MS;
    document.documentElement.classList.toggle("blank", displaced || stale);
    showKeys();
    const content = document.querySelector("#screen .content");
    const below = byId("below");
    below.hidden = true;
    below.hidden = content.scrollHeight <= content.clientHeight + 2;
    label(below, content);
  }

  function label(below, content) {
    const atEnd = content.scrollTop + content.clientHeight >= content.scrollHeight - 2;
    below.textContent = atEnd && content.scrollTop > 0 ? "Back to the top" : "More below";
  }

  function scrollOn() {
    const content = document.querySelector("#screen .content");
    const atEnd = content.scrollTop + content.clientHeight >= content.scrollHeight - 2;
    content.scrollTop = atEnd ? 0 : content.scrollTop + content.clientHeight * 0.8;
    label(byId("below"), content);
  }

  // --- nothing moves under a finger -----------------------------------------------------------

  function fingerDown() {
    return touchedAt !== null && now() - touchedAt < LONGEST_TOUCH_MS;
  }

  function drawn(page) {
    return page.getElementById("screen");
  }

  // After a touch an update waits, unless nothing could be touched: then nobody aims at anything.
  function resting() {
    return now() - releasedAt < RELEASE_MS && pressable();
  }

  function arrive(page, answered) {
    if (fingerDown() || (!answered && resting())) {
      if (answered) heldAnswer = page;
      else if (!heldUpdate || !older(drawn(page), drawn(heldUpdate))) heldUpdate = page;
      setTimeout(release, fingerDown() ? LONGEST_TOUCH_MS : RELEASE_MS);
      return;
    }
    release();
    show(page, answered);
  }

  function release() {
    if (fingerDown()) return;
    const [answer, update] = [heldAnswer, heldUpdate];
    heldAnswer = null;
    if (answer) show(answer, true);
    if (resting()) return; // a later release shows the update
    heldUpdate = null;
    if (update) show(update, false);
  }

  function lifted() {
    touchedAt = null;
    releasedAt = now();
    setTimeout(release, 0);
    setTimeout(release, RELEASE_MS + 10);
  }

  // --- the server -----------------------------------------------------------------------------

  function request(method, address, body, limit) {
    return new Promise((resolve) => {
      const call = new XMLHttpRequest();
      call.open(method, address);
      call.responseType = "document"; // parsed without scripts, and without a markup sink
      call.timeout = limit;
      call.setRequestHeader("X-Screen", "script");
      if (body) call.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
      call.onloadend = () => resolve({ status: call.status, page: call.response });
      call.send(body);
    });
  }

  function isScreen(status, page) {
    return status === 200 && page !== null && drawn(page) !== null;
  }

  async function refresh() {
    if (displaced) return;
    if (fetching) {
      fetchAgain = true;
      return;
    }
    fetching = true;
    const { status, page } = await request("GET", "/", null, FETCH_MS);
    fetching = false;
    if (isScreen(status, page)) {
      if (source && source.readyState === EventSource.OPEN) connect(true);
      arrive(page, false);
    } else if (status === 403) {
      displace();
    }
    if (fetchAgain) {
      fetchAgain = false;
      refresh();
    }
  }

  function connect(is) {
    if (connected === is) return;
    connected = is;
    lostAt = now();
    settle();
  }

  function displace() {
    displaced = true;
    if (source) source.close();
    settle();
  }

  function listen() {
    source = new EventSource("/events");
    const heard = () => {
      heardAt = now();
    };
    source.addEventListener("changed", () => {
      heard();
      refresh();
    });
    source.addEventListener("beat", () => {
      heard();
      if (!connected) refresh();
    });
    source.addEventListener("elsewhere", displace);
    source.addEventListener("error", () => {
      if (displaced) return;
      connect(false);
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      setTimeout(async () => {
        await refresh();
        if (!displaced) listen();
      }, RETRY_MS);
    });
  }

  setInterval(() => {
    if (!connected) settle();
    if (now() - heardAt > SILENCE_MS) {
      connect(false);
      heardAt = now();
      source.close();
      if (!displaced) listen();
    }
  }, RETRY_MS);

  // --- presses --------------------------------------------------------------------------------

  function bounced(button) {
    const what = button.value;
    const again = lastTap.what === what && now() - lastTap.at < SAME_TAP_MS;
    const eager = unseen || button.classList.contains("primary");
    const early = eager && now() - shownAt < NEW_SCREEN_MS;
    if (!again && !early) lastTap = { what, at: now() };
    return again || early;
  }

  async function press(form, button) {
    pressing = true;
    const body = new URLSearchParams(new FormData(form, button)).toString();
    for (const input of document.querySelectorAll("input[data-typed]")) input.value = "";
    full = false;
    look(false);
    showKeys();
    const { status, page } = await request("POST", "/press", body, ANSWER_MS);
    pressing = false;
    if (isScreen(status, page)) arrive(page, true);
    else if (status === 403) displace();
    else connect(false), refresh();
  }

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    if (!button || pressing || !connected || displaced || bounced(button)) return;
    press(event.target, button);
  });

  async function stay() {
    if (!byId("idle") || now() - lastStay < RETRY_MS) return;
    lastStay = now();
    const { line, number } = document.querySelector("#screen form").elements;
    const fields = { line: line.value, number: number.value, button: "stay" };
    const body = new URLSearchParams(fields).toString();
    const { status, page } = await request("POST", "/press", body, ANSWER_MS);
    if (isScreen(status, page)) arrive(page, false);
  }

  // --- typing ---------------------------------------------------------------------------------

  function typedInput() {
    return document.querySelector("#screen input[data-typed]");
  }

  function allowed(input, text) {
    const kept = [...(input.dataset.typed === "digits" ? text.replace(/[^0-9]/g, "") : text)];
    const fitting = kept.slice(0, Number(input.dataset.most)); // no half of a character
    full = fitting.length < kept.length;
    showKeys();
    return fitting.join("");
  }

  // A passphrase can be looked at, and hides by itself.
  function look(on) {
    const buttons = document.querySelectorAll("#screen .look");
    if (!buttons.length) return;
    lookedAt = on ? now() : -Infinity;
    for (const button of buttons) button.setAttribute("aria-pressed", String(on));
    typedInput().type = on ? "text" : "password";
    if (on) setTimeout(() => now() - lookedAt >= LOOK_MS && look(false), LOOK_MS + 10);
  }

  function type(input, key) {
    if (!["shift", "layer", "look"].includes(key)) full = false;
    if (key === "back") input.value = [...input.value].slice(0, -1).join("");
    else if (key === "clear") input.value = "";
    else if (key === "shift") shift = !shift;
    else if (key === "layer") marks = !marks;
    else if (key === "look") look(input.type === "password");
    else input.value = allowed(input, input.value + (shift ? key.toUpperCase() : key));
    if (!["shift", "layer", "look"].includes(key)) shift = startsWord(input.value);
    input.scrollLeft = input.scrollWidth; // what was typed last is seen
    showKeys();
  }

  // Names begin words with a capital; what has digits in it (a code, a number) is all capitals; a
  // passphrase is as it is typed.
  function startsWord(text) {
    if (typedInput()?.dataset.typed === "phrase") return false;
    return text === "" || /[0-9]/.test(text) || /[ '.-]$/.test(text);
  }

  function showKeys() {
    document.documentElement.classList.toggle("full", full);
    document.documentElement.classList.toggle("shifted", shift);
    document.documentElement.classList.toggle("marked", marks);
  }

  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]:is(button)");
    if (key) type(byId(key.closest("[data-types]").dataset.types), key.dataset.key);
    else if (event.target.closest("#below")) scrollOn();
  });

  document.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-key]:is(button)")) event.preventDefault(); // keeps the focus
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("input[data-typed]")) {
      event.target.value = allowed(event.target, event.target.value);
    }
  });

  document.addEventListener("keydown", (event) => {
    stay();
    const input = typedInput();
    const busy = event.target.closest("input, button, a");
    if (!input || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target === input) return;
    if (event.key === "Backspace") type(input, "back");
    else if (event.key === "Enter" && !busy) input.form.requestSubmit(submitOf(input.form));
    else if (event.key.length === 1 && !(busy && event.key === " ")) {
      input.value = allowed(input, input.value + event.key);
      shift = startsWord(input.value);
      showKeys();
      event.preventDefault();
    }
  });

  function submitOf(form) {
    return [...form.elements].find((e) => e.type === "submit") || null;
  }

  document.addEventListener(
    "pointerdown",
    (event) => {
      touchedAt = now();
      if (!event.target.closest("button[type=submit]")) stay();
    },
    true,
  );
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, lifted, true);
  window.addEventListener("blur", () => touchedAt !== null && lifted());
  window.addEventListener("resize", settle);
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener("dragstart", (event) => event.preventDefault());

  document.documentElement.classList.add("scripted");
  settle();
  listen();
})();
