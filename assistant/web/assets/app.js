// What the page does by itself: copy and download an answer, follow the conversation, show the panel on a
// phone, switch light and dark. Text from documents is only ever read as text.
(() => {
  // The page for frames of other pages: its address says light or dark, and Escape closes the panel that shows it.
  const framed = /\/embed\/?$/.test(location.pathname);
  if (framed) document.documentElement.classList.add("t-embed");

  const say = (button, text) => {
    const old = button.dataset.label || button.textContent;
    button.dataset.label = old;
    button.textContent = text;
    setTimeout(() => { button.textContent = old; }, 1500);
  };

  const copy = async (field, button) => {
    try {
      await navigator.clipboard.writeText(field.value);
      say(button, "Copied");
    } catch {
      // The clipboard needs https or localhost; an intranet may have neither.
      field.hidden = false;
      field.select();
      const done = document.execCommand("copy");
      field.hidden = true;
      say(button, done ? "Copied" : "Copy failed");
    }
  };

  const download = (field, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([field.value], { type: { csv: "text/csv", json: "application/json" }[(name || "").split(".").pop()] || "text/markdown" }));
    link.download = name || "answer.md";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const theme = () => {
    const dark = !document.querySelector(".dark");
    document.body.classList.toggle("dark", dark);
    document.documentElement.classList.remove("dark");
    try { localStorage.setItem("thesis-theme", dark ? "dark" : "light"); } catch { /* storage is off */ }
  };

  const restore = () => {
    let kept = null;
    try { kept = localStorage.getItem("thesis-theme"); } catch { /* storage is off */ }
    const wanted = framed ? new URLSearchParams(location.search).get("theme") : null;
    if (wanted === "dark" || wanted === "light") kept = wanted;
    if (!kept) return;
    document.body.classList.toggle("dark", kept === "dark");
    if (kept === "light") document.documentElement.classList.remove("dark");
  };

  const narrow = () => window.matchMedia("(max-width: 860px)").matches;

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const action = target.closest("[data-action]");
    if (action) {
      const field = action.parentElement.querySelector("textarea.t-export");
      if (action.dataset.action === "copy" && field) copy(field, action);
      if (action.dataset.action === "download" && field) download(field, action.dataset.name);
      if (action.dataset.action === "theme") theme();
      if (action.dataset.action === "why") {
        const reason = action.nextElementSibling;
        reason.hidden = !reason.hidden;
        action.setAttribute("aria-expanded", String(!reason.hidden));
      }
      return;
    }
    if (target.closest("#transcript [data-show]") && narrow()) {
      document.getElementById("side")?.scrollIntoView({ behavior: "smooth", block: "start" });
    }
  });

  // The chosen source and its marked words come into view; the marker in the answer shows that it is chosen.
  let shown;
  const choose = () => {
    const card = document.querySelector("#sources .t-chosen");
    const key = card ? card.dataset.key : "";
    for (const marker of document.querySelectorAll("#transcript .t-marker[data-cite]")) {
      const turn = card?.querySelector("[data-turn]")?.dataset.turn;
      marker.classList.toggle("t-on", marker.dataset.cite === key && marker.dataset.turn === turn);
    }
    const mark = card?.querySelector("mark");
    const quote = mark?.closest("blockquote");
    if (quote && narrow()) card.scrollIntoView({ behavior: "smooth", block: "start" });
    if (quote) quote.scrollTop = Math.max(0, mark.offsetTop - quote.clientHeight / 3);
    const box = document.getElementById("side");
    const answer = document.querySelector("#sources .t-panel")?.dataset.answer;
    if (box && answer !== shown) box.scrollTop = 0;
    shown = answer;
    if (card && box && box.scrollHeight > box.clientHeight) {
      box.scrollTop += card.getBoundingClientRect().top - box.getBoundingClientRect().top - 12;
    }
  };

  const follow = () => {
    const box = document.getElementById("chat-scroll");
    const last = box?.querySelector("#live .t-turn, #transcript .t-turn:last-of-type");
    if (!last) return;
    const turns = box.querySelectorAll(".t-turn");
    const newest = turns[turns.length - 1];
    box.scrollTop += newest.getBoundingClientRect().top - box.getBoundingClientRect().top - 8;
  };

  const watch = () => {
    const sources = document.getElementById("sources");
    const box = document.getElementById("chat-scroll");
    const filters = document.getElementById("filters");
    if (!sources || !box || !(filters || framed)) return void setTimeout(watch, 100);
    if (filters) {
      new MutationObserver(dates).observe(filters, { childList: true, subtree: true });
      dates();
    }
    new MutationObserver(choose).observe(sources, { childList: true, subtree: true });
    new MutationObserver(follow).observe(box, { childList: true, subtree: true });
    restore();
  };
  watch();

  // Plain fields become the browser's date fields; the server reads YYYY-MM-DD from either.
  const dates = () => {
    for (const field of document.querySelectorAll("#filters .t-date input[type=text]")) field.type = "date";
  };

  document.addEventListener("keydown", (event) => {
    // Says no more than that; whoever shows the frame listens to its own frame only.
    if (event.key === "Escape" && framed && window.parent !== window) window.parent.postMessage("thesis:close", "*");
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      document.querySelector("#question textarea, #question input")?.focus();
    }
  });
})();
