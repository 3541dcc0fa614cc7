// Comfort only: every page works without this file.
"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, within = document) => within.querySelector(selector);
  const choose = (name, value) => { document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax`; };
  root.classList.add("js");

  // The zone of this browser, told once; then the page is asked for again, in that zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes(`zone=${encodeURIComponent(zone)}`)) {
    choose("zone", encodeURIComponent(zone));
    const kept = document.cookie.includes("zone=");
    if (kept && root.dataset.zone === "unknown" && zone !== "UTC") location.reload();
  }

  // Theme without a round trip.
  const toggle = $("[data-theme-next]");
  if (toggle) toggle.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const themes = ["auto", "light", "dark"], order = { auto: "dark", dark: "light", light: "auto" };
    const next = order[root.dataset.theme] || "auto";
    root.dataset.theme = next;
    choose("theme", next);
    toggle.textContent = toggle.dataset.names.split("|")[themes.indexOf(next)];
  });

  // Forms: no empty fields in the address; a chosen period is shown at once.
  for (const form of document.querySelectorAll("[data-filter-form]")) {
    form.addEventListener("submit", () => { for (const field of form.elements) if (field.name && !field.value) field.disabled = true; });
    const period = form.elements.namedItem("period");
    if (period) period.addEventListener("change", () => form.requestSubmit());
  }
  addEventListener("pageshow", () => { for (const field of document.querySelectorAll("[data-filter-form] :disabled")) field.disabled = false; });

  // Copying. The clipboard is only there on https and localhost; else the text is selected.
  const say = (button) => {
    const was = button.textContent;
    button.textContent = "✓ " + was;
    const said = $("#said");
    said.textContent = said.dataset.copied;
    setTimeout(() => { button.textContent = was; said.textContent = ""; }, 1600);
  };
  const copy = (button, text) => {
    if (navigator.clipboard) { navigator.clipboard.writeText(text).then(() => say(button)); return; }
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    say(button);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy-link], [data-copy]");
    if (!button) return;
    if ("copyLink" in button.dataset) return copy(button, location.href);
    const source = document.getElementById(button.dataset.copy);
    const lines = source.matches("textarea") ? source.value : [...source.querySelectorAll("code")].map((code) => code.textContent).join("\n");
    copy(button, lines);
  });

  // Keys: / searches, g and a letter goes, ? explains; arrows walk through a chart.
  let went = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (walk(event)) return event.preventDefault();
    if (event.target.closest("input, textarea, select, dialog[open]")) return;
    if (event.key === "/") { const box = $("#q"); if (box) { box.focus(); box.select(); event.preventDefault(); } else location.href = "/search"; return; }
    if (event.key === "?") { $("#keys").showModal(); return; }
    if (event.key === "g") { went = Date.now(); return; }
    if (Date.now() - went < 1500) {
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) link.click();
    }
    went = 0;
  });
  const walk = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const here = event.target.closest(".chart a");
    if (!step || !here) return false;
    const links = [...here.closest(".chart").querySelectorAll(here.matches(".hit") ? ".hit" : "a")];
    const next = links[links.indexOf(here) + step];
    if (next) { next.focus(); show(next); }
    return true;
  };

  // Live: when the server says that something changed, the page is asked for again, and what is marked is taken over from the answer.
  // Not while somebody reads with the mouse or the keyboard in it, not in a hidden tab, and never faster than the page says.
  const follow = () => {
    const region = () => $("#live"), toggle = $("#live-switch");
    if (!window.EventSource) return;
    let line = null, changed = false, running = false, last = Date.now(), timer = 0;
    let paused = document.cookie.split("; ").includes("live=off");
    const state = (word) => {
      if (!toggle) return;
      toggle.textContent = toggle.dataset[word];
      toggle.setAttribute("aria-pressed", String(word !== "off"));
      toggle.classList.toggle("lost", word === "lost");
    };
    const selecting = () => { const chosen = getSelection(); return chosen && !chosen.isCollapsed && region().contains(chosen.anchorNode); };
    const busy = () => paused || document.hidden || running || selecting() || $("#live .hit:hover, #live :is(input, select, textarea):focus, dialog[open]");
    const look = async () => {
      clearTimeout(timer);
      if (!region() || !changed) return;
      const wait = last + Number(region().dataset.live) - Date.now();
      if (wait > 0 || busy()) { timer = setTimeout(look, Math.max(wait, 400)); return; }
      changed = false;
      running = true;
      try {
        const answer = await fetch(location.href, { headers: { "X-Vigie-Live": "1" }, cache: "no-store", signal: AbortSignal.timeout(20000) });
        if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
        state("on");
      } catch { state("lost"); }
      running = false;
      last = Date.now();
      if (changed) look();
    };
    const take = (fresh) => {
      for (const old of document.querySelectorAll("[data-live], [data-live-with]")) {
        const now = fresh.getElementById(old.id);
        if (!now || now.innerHTML === old.innerHTML) continue;
        const known = new Set([...old.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
        if (known.size) for (const row of now.querySelectorAll("[data-row]")) if (!known.has(row.dataset.row)) row.classList.add("fresh");
        const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        const open = [...old.querySelectorAll("details")].map((one) => one.open);
        const scrolled = [...old.querySelectorAll(".table-box")].map((box) => box.scrollLeft);
        old.replaceChildren(...document.importNode(now, true).childNodes);
        old.querySelectorAll("details").forEach((one, at) => { if (open[at]) one.open = true; });
        old.querySelectorAll(".table-box").forEach((box, at) => { box.scrollLeft = scrolled[at] || 0; });
        if (focused) old.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      }
      hide();
    };
    const heard = (message) => {
      if (message.state && !paused) state(message.state);
      if (message.commit) { changed = true; look(); }
      if (message.notices !== undefined) { const notices = $("#notices"); if (notices.innerHTML !== message.notices) notices.innerHTML = message.notices; }
    };
    // All pages of a browser share a connection where it can; else a page that is seen has one of its own.
    const script = document.querySelector("script[data-live-script]").dataset.liveScript;
    const shared = () => {
      const port = new SharedWorker(script).port;
      port.onmessage = ({ data }) => heard(data);
      port.postMessage("join");
      return () => { port.postMessage("leave"); port.close(); };
    };
    const alone = () => {
      const events = new EventSource("/live");
      events.onopen = () => heard({ state: "on" });
      events.onerror = () => heard({ state: "lost" });
      events.addEventListener("commit", () => heard({ commit: true }));
      events.addEventListener("notices", ({ data }) => heard({ notices: data }));
      return () => events.close();
    };
    const connect = () => {
      if (line || paused || document.hidden) return;
      line = window.SharedWorker ? shared() : alone();
    };
    const leave = () => { if (line) line(); line = null; };
    document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else { changed = true; connect(); look(); } });
    addEventListener("pagehide", leave);
    addEventListener("pageshow", connect);
    if (toggle) toggle.addEventListener("click", () => {
      paused = !paused;
      choose("live", paused ? "off" : "on");
      state(paused ? "off" : "on");
      if (paused) leave(); else { changed = true; connect(); look(); }
    });
    state(paused ? "off" : "on");
    connect();
  };

  // One tip for all charts, at once instead of the browser's late one.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const show = (link, x, y) => {
    const text = link.dataset.tip || link.getAttribute("aria-label");
    if (!text) return hide();
    const title = $("title", link);
    if (title) title.remove();
    tip.textContent = text;
    tip.hidden = false;
    const box = link.getBoundingClientRect();
    const left = (x ?? box.left + box.width / 2) + 14, top = (y ?? box.top) + 14;
    tip.style.left = Math.max(4, Math.min(left, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = Math.max(4, Math.min(top, innerHeight - tip.offsetHeight - 8)) + "px";
  };
  const hide = () => { tip.hidden = true; };
  document.addEventListener("pointermove", (event) => {
    const link = event.target.closest?.(".chart a");
    if (link) show(link, event.clientX, event.clientY); else if (!tip.hidden) hide();
  });
  document.addEventListener("focusin", (event) => { const link = event.target.closest(".chart a"); if (link && link.matches(":focus-visible")) show(link); });
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keyup", (event) => { if (event.key === "Escape") hide(); });
  follow();
})();
