// Keeps a page's changing part fresh: the server says that something changed, the page fetches its fragment.
"use strict";
(() => {
  const status = document.getElementById("live");
  const today = document.getElementById("today");
  if (!status || !today) return;
  const part = status.dataset.part || "/office/today";
  const query = "?hall=" + encodeURIComponent(status.dataset.hall);
  // "n seconds ago" grows old by itself.
  const REFRESH_MS = 15000;
  let running = false;
  let again = false;

  const show = (state) => {
    status.hidden = false;
    status.dataset.state = state;
    if (status.textContent !== status.dataset[state]) status.textContent = status.dataset[state];
  };

  const replace = (html) => {
    const open = [...today.querySelectorAll("details[open]")].map((details) => details.id);
    const focused = document.activeElement && document.activeElement.closest("#today details");
    today.innerHTML = html;
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    const summary = focused && document.getElementById(focused.id);
    if (summary) summary.querySelector("summary").focus({ preventScroll: true });
  };

  const refresh = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      const response = await fetch(part + query, { cache: "no-store" });
      if (response.status === 401 || response.status === 403) {
        location.assign("/login");
        return;
      }
      if (response.ok) replace(await response.text());
      else show("offline");
    } catch {
      show("offline");
    } finally {
      running = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  };

  const listen = () => {
    show("connecting");
    const source = new EventSource("/office/live" + query);
    source.addEventListener("open", () => show("live"));
    source.addEventListener("changed", () => {
      show("live");
      refresh();
    });
    source.addEventListener("bye", () => {
      source.close();
      location.assign("/login");
    });
    source.addEventListener("error", () => {
      show("offline");
      // The browser tries again by itself, unless the server refused.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  };

  listen();
  setInterval(() => {
    if (!document.hidden) refresh();
  }, REFRESH_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
})();
