// A button that opens the chat in a panel of the page that loads this script:
//   <script src="https://thesis.example/embed.js" data-label="Ask the research" data-company="Harbor Tools" defer></script>
// Attributes: data-position (right or left), data-label, data-theme (light, dark or auto), data-width and data-height (pixels), and what
// the chat begins with: data-question, data-ask (1: ask at once), data-kind, data-publisher, data-company, data-ticker, data-form (several
// with | between), data-since, data-until, data-as-of. It loads nothing until the button is pressed, and keeps nothing.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || !script.src) return;
  const given = script.dataset;
  const left = given.position === "left";
  const label = given.label || "Ask the research";
  const pixels = (text, otherwise) => (/^[0-9]{3,4}$/.test(text || "") ? Number(text) : otherwise);
  const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (given.theme === "dark" || given.theme === "light" ? given.theme : systemDark.matches ? "dark" : "light");

  const address = () => {
    const url = new URL("embed", script.src);
    url.searchParams.set("theme", theme());
    for (const name of ["kind", "publisher", "company", "ticker", "form"]) {
      for (const value of (given[name] || "").split("|")) if (value.trim()) url.searchParams.append(name, value.trim());
    }
    for (const [name, value] of [
      ["since", given.since], ["until", given.until], ["as_of", given.asOf], ["question", given.question],
      ["ask", given.ask === "1" ? "1" : ""],
    ]) if (value) url.searchParams.set(name, value);
    return url;
  };

  // Set one by one on the element: a page's policy may forbid style attributes and sheets, not this.
  const styled = (element, styles) => { Object.assign(element.style, styles); return element; };
  const colours = () => (theme() === "dark"
    ? { card: "#161e27", line: "#273341", ink: "#dfe6ee", accent: "#6fb8d6", on: "#0b1218" }
    : { card: "#ffffff", line: "#cfd7e0", ink: "#16202c", accent: "#0f5c7a", on: "#ffffff" });
  const font = "600 15px/1.2 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
  const id = "thesis-panel-" + Math.random().toString(36).slice(2, 8);
  const place = left ? { left: "20px", right: "auto" } : { right: "20px", left: "auto" };

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", id);
  button.setAttribute("aria-haspopup", "dialog");
  styled(button, {
    position: "fixed", bottom: "20px", zIndex: "2147483000", padding: "12px 18px", border: "0", borderRadius: "24px", cursor: "pointer",
    font, maxWidth: "calc(100vw - 40px)", boxShadow: "0 4px 16px rgba(0,0,0,.22)", ...place,
  });

  const panel = document.createElement("div");
  panel.id = id;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", label);
  panel.hidden = true;

  const head = styled(document.createElement("div"), { display: "flex", alignItems: "center", gap: "8px", padding: "8px 8px 8px 14px", flex: "none" });
  const title = styled(document.createElement("span"), { font, flex: "1 1 auto", minWidth: "0", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" });
  title.textContent = label;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "✕";
  close.setAttribute("aria-label", "Close");
  styled(close, { width: "36px", height: "36px", flex: "none", border: "0", borderRadius: "6px", background: "transparent", color: "inherit", font: "16px/1 system-ui, sans-serif", cursor: "pointer" });
  head.append(title, close);
  panel.append(head);
  let frame = null;

  const paint = () => {
    const c = colours();
    styled(button, { background: c.accent, color: c.on });
    styled(panel, { background: c.card, color: c.ink, border: "1px solid " + c.line });
    styled(head, { borderBottom: "1px solid " + c.line });
  };

  const lay = () => {
    const small = window.innerWidth < 560;
    styled(panel, {
      position: "fixed", zIndex: "2147483001", display: panel.hidden ? "none" : "flex", flexDirection: "column", overflow: "hidden",
      boxSizing: "border-box", boxShadow: "0 8px 32px rgba(0,0,0,.28)", borderRadius: small ? "0" : "12px",
      width: small ? "100%" : `min(${pixels(given.width, 440)}px, calc(100vw - 40px))`,
      height: small ? "100%" : `min(${pixels(given.height, 680)}px, calc(100vh - 40px))`,
      top: small ? "0" : "auto", bottom: small ? "0" : "20px", ...(small ? { left: "0", right: "0" } : place),
    });
  };

  const show = () => {
    if (!frame) {
      frame = styled(document.createElement("iframe"), { flex: "1 1 auto", width: "100%", border: "0", background: "transparent", minHeight: "0" });
      frame.title = label;
      frame.allow = "clipboard-write";
      frame.src = address().href;
      panel.append(frame);
    }
    panel.hidden = false;
    lay();
    button.setAttribute("aria-expanded", "true");
    button.style.visibility = "hidden";
    close.focus();
  };

  const hide = () => {
    if (panel.hidden) return;
    panel.hidden = true;
    lay();
    button.setAttribute("aria-expanded", "false");
    button.style.visibility = "visible";
    button.focus();
  };

  button.addEventListener("click", show);
  close.addEventListener("click", hide);
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  // Keys pressed inside the frame stay there: it tells of Escape itself.
  window.addEventListener("message", (event) => {
    if (frame && event.source === frame.contentWindow && event.data === "thesis:close") hide();
  });
  window.addEventListener("resize", lay);
  systemDark.addEventListener("change", paint);

  const begin = () => { paint(); lay(); document.body.append(button, panel); };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
