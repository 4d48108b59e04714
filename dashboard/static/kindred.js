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

(function showWhatIsWrongWithAForm() {
  const refused = document.querySelector(".refused[role=alert]");
  if (refused && refused.tabIndex === -1) refused.focus();
})();
