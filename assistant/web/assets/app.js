// What the page does by itself: light and dark, the drawers of a narrow screen, dialogs, keys, the address of a conversation, and where the
// conversation is scrolled to. Text from documents is only ever read as text.
(() => {
  // The page for frames of other pages: its address says light or dark, and Escape closes the panel that shows it.
  const framed = /\/embed\/?$/.test(location.pathname);
  if (framed) document.documentElement.classList.add("t-embed");
  const $ = (selector, within = document) => within.querySelector(selector);
  const matches = (query) => window.matchMedia(query).matches;
  const narrow = () => matches("(max-width: 860px)");
  const drawn = () => matches("(max-width: 1199px)");

  // Raises an event of a gr.HTML component from anywhere; its own listener (web/html.py) hands it on.
  const send = (inside, name, data = {}) =>
    $(inside)?.dispatchEvent(new CustomEvent("t-send", { bubbles: true, detail: { name, data } }));

  // Gradio puts its containers before each selector of our styles, so what is styled stands inside them.
  const hold = () => $("main.contain") || document.body;

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  // Light and dark

  const theme = () => {
    const dark = !$(".dark");
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

  // Drawers: the list of conversations below 1200 px, the sources below 860 px. The row that holds them says which is open.

  let opener = null;
  const stage = () => $("#chat-row") || document.body;
  const opened = () => stage().dataset.open || "";
  // The list and the field are part of the tab of the chat, whichever tab is looked at.
  const onChat = (done, frames = 60) => {
    if (stage().offsetParent || !frames) return void done();
    if (frames === 60) $("#tab-chat-button")?.click();
    requestAnimationFrame(() => onChat(done, frames - 1));
  };
  const close = () => {
    if (!opened()) return false;
    delete stage().dataset.open;
    $("[data-action=kept]")?.setAttribute("aria-expanded", "false");
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    opener = null;
    return true;
  };
  const open = (which, from, focused = which === "kept" ? "#kept .t-close" : "#side-close .t-close") => {
    opener = from || document.activeElement;
    stage().dataset.open = which;
    if (which === "kept") $("[data-action=kept]")?.setAttribute("aria-expanded", "true");
    // Not at once: what slides in can take the focus from its first frame on.
    requestAnimationFrame(() => requestAnimationFrame(() => $(focused)?.focus({ preventScroll: true })));
  };

  // Dialogs and the menu of a conversation

  const dialog = (title, ...content) => {
    const box = make("dialog", { className: "t-dialog" });
    const head = make("h2", { textContent: title, id: "t-dialog-name" });
    box.setAttribute("aria-labelledby", head.id);
    box.append(head, ...content);
    box.addEventListener("close", () => box.remove());
    hold().append(box);
    box.showModal();
    return box;
  };

  const buttons = (box, word, done, dangerous = false) => {
    const cancel = make("button", { type: "button", className: "t-action", textContent: "Cancel", onclick: () => box().close() });
    const go = make("button", { type: "submit", className: dangerous ? "t-new t-danger" : "t-new", textContent: word, onclick: done });
    return make("div", { className: "t-dialog-buttons" }, cancel, go);
  };

  const rename = (id, title) => {
    const field = make("input", { type: "text", className: "t-search", value: title, maxLength: 80, required: true });
    field.setAttribute("aria-label", "Title");
    let box;
    const form = make("form", { method: "dialog" }, field, buttons(() => box, "Rename", () => {}));
    form.addEventListener("submit", () => send(".t-history", "rename", { id, title: field.value }));
    box = dialog("Rename the conversation", form);
    field.select();
  };

  const forget = (id, title) => {
    let box;
    const said = make("p", { textContent: `“${title}” is deleted for good. The record for compliance keeps its own.` });
    const form = make("form", { method: "dialog" }, said, buttons(() => box, "Delete", () => {}, true));
    form.addEventListener("submit", () => send(".t-history", "forget", { id }));
    box = dialog("Delete the conversation?", form);
  };

  const share = (link, id) => {
    const address = new URL(link, document.baseURI).href;
    const field = make("input", { type: "text", className: "t-search", value: address, readOnly: true });
    field.setAttribute("aria-label", "Link");
    const told = make("p", { textContent: "Whoever may use this server can read the conversation at this link. An answer made from documents that they may not read is left out." });
    const copied = make("span", { className: "t-dim" });
    copied.setAttribute("role", "status");
    const copy = make("button", {
      type: "button", className: "t-new", textContent: "Copy the link",
      onclick: async () => {
        field.select();
        try { await navigator.clipboard.writeText(address); } catch { document.execCommand("copy"); }
        copied.textContent = "Copied";
      },
    });
    const end = make("button", {
      type: "button", className: "t-action", textContent: "End the link",
      onclick: () => { send(".t-history", "unlink", { id }); box.close(); },
    });
    const done = make("button", { className: "t-action", textContent: "Close" });
    const box = dialog("Link to this conversation", told, field,
      make("form", { method: "dialog", className: "t-dialog-buttons" }, copied, end, done, copy));
    field.select();
  };

  let menu = null;
  const unmenu = (focus) => {
    if (!menu) return false;
    const { box, from } = menu;
    menu = null;
    box.remove();
    from.setAttribute("aria-expanded", "false");
    if (focus) from.focus();
    return true;
  };
  const keptMenu = (from) => {
    const { id, title } = from.dataset;
    const item = (textContent, chosen, className = "t-item") => {
      const one = make("button", { type: "button", className, textContent, onclick: () => { unmenu(true); chosen(); } });
      one.setAttribute("role", "menuitem");
      return one;
    };
    const exported = (form) => () => send(".t-history", "export", { id, form });
    const box = make("div", { className: "t-items t-kept-menu" },
      item("Rename", () => rename(id, title)),
      item("Link for others", () => send(".t-history", "link", { id })),
      item("Export as Markdown", exported("markdown")),
      item("Export as web page", exported("html")),
      item("Export as PDF", exported("pdf")),
      item("Delete", () => forget(id, title), "t-item t-danger"));
    box.setAttribute("role", "menu");
    box.setAttribute("aria-label", `More on ${title}`);
    const place = from.getBoundingClientRect();
    box.style.top = `${Math.min(place.bottom + 2, innerHeight - 236)}px`;
    box.style.left = `${Math.max(8, Math.min(place.right - 190, innerWidth - 206))}px`;
    hold().append(box);
    from.setAttribute("aria-expanded", "true");
    menu = { box, from };
    box.firstElementChild.focus();
    box.addEventListener("keydown", (event) => {
      const all = [...box.children];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    });
  };

  const tell = (text, more) => {
    const box = make("div", { className: "t-toast" }, make("strong", { textContent: text }), ` ${more || ""}`);
    box.setAttribute("role", "alert");
    box.append(make("button", { type: "button", className: "t-icon", ariaLabel: "Close", textContent: "×", onclick: () => box.remove() }));
    hold().append(box);
    setTimeout(() => box.remove(), 12000);
  };

  // Clicks

  const ACTIONS = {
    theme,
    keys: () => $("#t-keys")?.showModal(),
    kept: (from) => (opened() === "kept" ? close() : onChat(() => open("kept", from))),
    close,
    tab: (from) => $(`#${from.dataset.tab === "documents" ? "tab-documents" : from.dataset.tab}-button`)?.click(),
    "kept-menu": (from) => (menu?.from === from ? unmenu(true) : (unmenu(false), keptMenu(from))),
    why: (from) => {
      const reason = from.nextElementSibling;
      reason.hidden = !reason.hidden;
      from.setAttribute("aria-expanded", String(!reason.hidden));
    },
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    for (const one of document.querySelectorAll("details.t-menu[open]")) {
      if (!one.contains(target) || target.closest(".t-item")) one.open = false;
    }
    if (menu && !menu.box.contains(target) && !menu.from.contains(target)) unmenu(false);
    const action = target.closest("[data-action]");
    if (action) return void ACTIONS[action.dataset.action]?.(action);
    if (target.closest("#transcript [data-show], #transcript [data-cite], #transcript [data-passage]") && narrow()) {
      open("side", target.closest("button"));
    } else if (target.closest("#kept [data-event]") && drawn()) close();
    else if (opened() === "kept" && !target.closest("#kept, dialog, .t-kept-menu")) close();
  });

  let typing;
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.(".t-history .t-search")) return;
    clearTimeout(typing);
    typing = setTimeout(() => send(".t-history", "search", { text: event.target.value }), 200);
  });

  // The chosen source and its marked words come into view; the marker in the answer shows that it is chosen.

  let shown;
  const choose = () => {
    const card = $("#sources .t-chosen");
    const key = card ? card.dataset.key : "";
    const turn = card && $("[data-turn]", card)?.dataset.turn;
    for (const marker of document.querySelectorAll("#transcript .t-marker[data-cite]")) {
      marker.classList.toggle("t-on", marker.dataset.cite === key && marker.dataset.turn === turn);
    }
    const mark = card && $("mark:not(.t-weak)", card);
    const quote = mark?.closest("blockquote");
    // Not offsetTop, which in a table counts from the table.
    if (quote) quote.scrollTop += mark.getBoundingClientRect().top - quote.getBoundingClientRect().top - quote.clientHeight / 3;
    const box = $("#side");
    const answer = $("#sources .t-panel")?.dataset.answer;
    if (box && answer !== shown) box.scrollTop = 0;
    shown = answer;
    if (card && box && box.scrollHeight > box.clientHeight) {
      const top = $("#sources .t-panel-top")?.offsetHeight || 0;
      // With its document's name above it where that is near.
      const group = card.closest(".t-group")?.getBoundingClientRect().top ?? -Infinity;
      const place = card.getBoundingClientRect().top;
      box.scrollTop += (place - group < 160 ? group : place) - box.getBoundingClientRect().top - top - 4;
    }
  };

  // The conversation follows a new question only: while an answer comes in, and when it is done, nothing moves.

  let newest = 0;
  let conversation = null;
  const follow = () => {
    const box = $("#chat-scroll");
    const turns = box ? [...box.querySelectorAll(".t-turn")] : [];
    const last = turns[turns.length - 1];
    const id = last?.dataset.conversation || "";
    const number = Number(last?.dataset.turnNumber || 0);
    if (last && (number > newest || id !== conversation)) {
      const bottom = id !== conversation && turns.length > 1 && !$("#live .t-turn");
      if (bottom) box.scrollTop = box.scrollHeight;
      const scroller = box.scrollHeight > box.clientHeight ? box : null;
      if (scroller) scroller.scrollTop += last.getBoundingClientRect().top - box.getBoundingClientRect().top - 8;
      else if (turns.length > 1) last.scrollIntoView({ block: "start" });
    }
    newest = number;
    address(id);
    conversation = id;
  };

  // The address names the conversation, so that it can be kept as a bookmark and the browser's Back works.
  const address = (id) => {
    if (framed || id === conversation) return;
    const place = new URL(location.href);
    const named = place.searchParams.get("c") || "";
    if (named === id || (conversation === null && !id)) return;
    if (id) place.searchParams.set("c", id);
    else place.searchParams.delete("c");
    history[conversation ? "pushState" : "replaceState"](null, "", place);
  };
  addEventListener("popstate", () => send(".t-history", "open", { id: new URLSearchParams(location.search).get("c") || "" }));

  let last = "";
  const heard = () => {
    for (const one of document.querySelectorAll("#said [data-say]")) {
      if (one.dataset.nonce === last) continue;
      last = one.dataset.nonce;
      if (one.dataset.say === "link") share(one.dataset.link, one.dataset.id);
      if (one.dataset.say === "problem") tell(one.dataset.text, one.dataset.more);
    }
  };

  const edited = () => {
    const banner = $("#editing .t-editing");
    const field = $("#question textarea, #question input");
    if (banner && field) {
      field.focus();
      requestAnimationFrame(() => field.setSelectionRange(field.value.length, field.value.length));
    }
  };

  const watch = () => {
    const sources = $("#sources");
    const box = $("#chat-scroll");
    const filters = $("#filters");
    if (!sources || !box || !(filters || framed)) return void setTimeout(watch, 50);
    const observe = (node, seen) => node && new MutationObserver(seen).observe(node, { childList: true, subtree: true, attributeFilter: ["data-nonce"] });
    observe(filters, dates);
    if (filters) dates();
    observe(sources, choose);
    observe(box, follow);
    observe($("#said"), heard);
    observe($("#editing"), edited);
    heard();
    follow();
    restore();
  };
  watch();

  // Plain fields become the browser's date fields; the server reads YYYY-MM-DD from either.
  const dates = () => {
    for (const field of document.querySelectorAll("#filters .t-date input[type=text]")) field.type = "date";
  };

  // Keys

  const escape = () => {
    if (unmenu(true)) return true;
    const fold = $("details.t-menu[open]");
    if (fold) {
      fold.open = false;
      $("summary", fold).focus();
      return true;
    }
    if (close()) return true;
    const stop = $("#stop");
    if (stop?.offsetParent) return stop.click(), true;
    const cancel = $("#editing [data-event=cancel]");
    if (cancel) return cancel.click(), true;
    return !framed && shut();
  };

  // Closes the source that is open; whoever read in it is back at its marker. Not from a field, where Escape means the field.
  const shut = () => {
    const head = $("#sources [aria-expanded=true]");
    const at = document.activeElement;
    if (!head?.offsetParent || /^(INPUT|TEXTAREA|SELECT)$/.test(at?.tagName || "")) return false;
    if (at === document.body || $("#side").contains(at)) ($("#transcript .t-marker.t-on") || head).focus({ preventScroll: true });
    head.click();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const field = $("#question textarea, #question input");
    const typed = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "");
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Escape" && !$("dialog[open]")) {
      if (escape()) event.preventDefault();
      // Says no more than that; whoever shows the frame listens to its own frame only.
      else if (framed && window.parent !== window) window.parent.postMessage("thesis:close", "*");
    } else if (/^Arrow(Left|Right)$/.test(event.key) && plain && event.target.matches?.("[role=tab]")) {
      const all = [...event.target.parentElement.querySelectorAll("[role=tab]")].filter((one) => one.offsetParent);
      const at = all.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : -1);
      event.preventDefault();
      all[(at + all.length) % all.length].focus();
    } else if (event.key === "/" && !typed && plain) {
      event.preventDefault();
      onChat(() => field?.focus());
    } else if (event.key === "?" && !typed && plain) $("#t-keys")?.showModal();
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !framed) {
      event.preventDefault();
      onChat(() => {
        if (drawn()) open("kept", null, ".t-history .t-search");
        else $(".t-history .t-search")?.focus();
      });
    } else if (event.altKey && event.code === "KeyN") {
      event.preventDefault();
      close();
      if (framed) $("#fresh")?.click();
      else send(".t-history", "fresh");
      onChat(() => field?.focus());
    } else if (event.key === "ArrowUp" && document.activeElement === field && !field.value && plain) {
      const edits = document.querySelectorAll("#transcript [data-event=edit]");
      if (edits.length) {
        event.preventDefault();
        edits[edits.length - 1].click();
      }
    }
  });
})();
