// What pages do better with a script. Everything here works without it, in a slower way.
"use strict";

(function warnBeforeTheSessionEnds() {
  const warning = document.getElementById("idle");
  if (!warning) return;
  const warnSeconds = 120;
  let timer = 0;

  function arm(endsIn) {
    window.clearTimeout(timer);
    warning.hidden = true;
    timer = window.setTimeout(() => { warning.hidden = false; }, Math.max(0, endsIn - warnSeconds) * 1000);
  }

  const endsIn = Number(warning.dataset.endsIn);
  arm(endsIn);
  document.getElementById("stay").addEventListener("click", async () => {
    const answer = await fetch("/api/v1/me", { credentials: "same-origin" });
    if (answer.ok) arm(endsIn);
  });
})();

(function closeMenusByEscape() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();

(function sayTimesAsTheClockHereShowsThem() {
  const here = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  function say(root) {
    for (const time of root.querySelectorAll("time[title$=UTC]")) {
      time.title = here.format(new Date(time.dateTime)) + " here; " + time.title.replace(/ UTC$/, " in UTC");
    }
  }

  say(document);
  document.body.addEventListener("htmx:afterSwap", (event) => { say(event.target); });
})();

(function showWhatIsWrongWithAForm() {
  const refused = document.querySelector(".refused[role=alert]");
  if (refused && refused.tabIndex === -1) refused.focus();
})();

(function sayWhatIsNew() {
  const line = document.getElementById("live");
  if (!line || !window.EventSource) return;
  const words = document.getElementById("live-words");
  const pause = document.getElementById("live-pause");
  const kept = "kindred.paused";
  let count = 0;
  let broke = false;
  let source = null;

  function say(text) {
    line.hidden = false; // nothing else on the page moves until "Show" is asked for
    window.setTimeout(() => { words.textContent = text; }, 100); // a reader says only what changes while it is shown
  }

  function listen() {
    const before = source;
    const mine = new EventSource("/live");
    source = mine;
    mine.addEventListener("again", listen); // the next one is open before this one ends: nothing is missed
    mine.addEventListener("news", (event) => {
      count += JSON.parse(event.data).new;
      say(count + " new");
    });
    mine.addEventListener("error", () => { if (mine === source) broke = true; });
    mine.addEventListener("open", () => {
      if (before) before.close();
      if (broke) say(count ? count + " new, and maybe more" : "There may be something new");
      broke = false;
    });
  }

  function show(paused) {
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) say("Updates are paused");
  }

  pause.addEventListener("click", () => {
    const paused = sessionStorage.getItem(kept) !== "yes";
    sessionStorage.setItem(kept, paused ? "yes" : "no");
    show(paused);
    if (paused) { source.close(); } else { say("Updates go on; there may be something new"); listen(); }
  });

  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "content") return;
    count = 0;
    if (sessionStorage.getItem(kept) === "yes") { show(true); } else { line.hidden = true; }
    event.target.focus();
  });
  window.addEventListener("pagehide", () => { if (source) source.close(); });
  if (sessionStorage.getItem(kept) === "yes") { show(true); } else { listen(); }
})();

(function goOnWhereItUnfolded() {
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "unfolded") return;
    const heading = event.target.querySelector("h2");
    heading.tabIndex = -1;
    heading.focus(); // the link that was pressed is gone, and single keys act where the focus is
  });
})();

(function decideBySingleKeys() {
  if (document.body.dataset.hotkeys !== "on") return;
  let armed = null; // the button of a decision that waits for its second key

  function disarm() {
    if (armed) armed.said.remove();
    armed = null;
  }

  function arm(button) {
    const said = document.createElement("p");
    said.className = "armed";
    said.setAttribute("role", "status");
    button.closest(".buttons").after(said);
    said.textContent = "Press Enter to approve, any other key to leave it.";
    armed = { button, said };
  }

  function press(key, card) {
    const target = card.querySelector("[data-key=" + key + "]");
    if (!target) return false;
    if (key === "a") {
      arm(target);
    } else if (key === "r") {
      target.parentElement.open = true;
      target.parentElement.querySelector("select").focus();
    } else {
      target.click();
    }
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const card = event.target.closest("[data-card]");
    const typing = event.target.closest("input, select, textarea");
    if (armed && event.key === "Enter" && card && card.contains(armed.button)) {
      event.preventDefault();
      const { button } = armed;
      disarm();
      button.click();
      return;
    }
    disarm();
    if (!card || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^[ahro]$/.test(event.key) && press(event.key, card)) event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    if (armed && !armed.button.closest("[data-card]").contains(event.target)) disarm();
  });

  const first = document.querySelector("[data-card]");
  if (first && document.querySelector("body > .notice")) first.focus(); // the next one, after a decision
})();
