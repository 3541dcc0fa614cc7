// One connection to `/live` for all pages of a browser: to one server it keeps six, and a wall of screens has more pages than that.
"use strict";
const ports = new Set();
let source = null, notices = null, state = "lost";
const tell = (message) => { for (const port of ports) port.postMessage(message); };
const begin = () => {
  source = new EventSource("/live");
  source.onopen = () => { state = "on"; tell({ state }); };
  source.onerror = () => {
    state = "lost";
    tell({ state });
    // A browser gives up for good when the answer is no stream of events.
    if (source.readyState === EventSource.CLOSED) { source = null; setTimeout(() => { if (ports.size && !source) begin(); }, 3000); }
  };
  source.addEventListener("commit", () => tell({ commit: true }));
  source.addEventListener("notices", (event) => { notices = event.data; tell({ notices }); });
};
onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data === "leave") {
      ports.delete(port);
      if (!ports.size && source) { source.close(); source = null; notices = null; state = "lost"; }
      return;
    }
    ports.add(port);
    if (!source) begin(); else { port.postMessage({ state }); if (notices !== null) port.postMessage({ notices }); }
  };
};
