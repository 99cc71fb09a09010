// Keeps the list of terminals fresh: fetched anew every ten seconds while somebody looks.
"use strict";
(() => {
  const list = document.getElementById("fleet-list");
  if (!list) return;
  const EVERY_MS = 10000;
  let running = false;
  const refresh = async () => {
    if (running || document.hidden) return;
    running = true;
    try {
      const response = await fetch(list.dataset.source, { cache: "no-store" });
      if (response.status === 401 || response.status === 403) {
        location.assign("/login");
      } else if (response.ok) {
        const focused = list.contains(document.activeElement) && document.activeElement.getAttribute("href");
        list.innerHTML = await response.text();
        if (focused) list.querySelector('a[href="' + CSS.escape(focused) + '"]')?.focus({ preventScroll: true });
      }
    } catch {
      // The next turn tries again; the page says how old each figure is.
    } finally {
      running = false;
    }
  };
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
})();
