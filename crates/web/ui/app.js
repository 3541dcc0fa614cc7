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
})();
