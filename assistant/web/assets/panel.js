// The sources beside the answer: a marker lights its card and a card its markers, keys walk from source to source, what was folded
// open stays open when the page is rendered again. Only classes and folds are set; no text is made here.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const turnOf = (node) => node.dataset.turn || node.closest("[data-turn-number]")?.dataset.turnNumber || "";

  // What a node speaks of: the turn and the keys of sources ("S1", "p3") or tools ("T1") in it.
  const spokenOf = (node) => {
    const at = (selector) => node.closest?.(selector);
    const cited = at("#transcript [data-cite], #transcript [data-passage]");
    if (cited) return { turn: turnOf(cited), keys: [cited.dataset.cite || `p${cited.dataset.passage}`] };
    const tool = at("#transcript [data-tool], #transcript .t-live[data-key]");
    if (tool) return { turn: turnOf(tool), keys: [tool.dataset.tool || tool.dataset.key] };
    const also = at("#sources blockquote [data-cite]");
    if (also) return { turn: also.dataset.turn, keys: [also.dataset.cite] };
    const card = at("#sources [data-key], #sources [data-keys]");
    const turn = card?.closest("[data-answer]")?.dataset.answer;
    return card && turn ? { turn, keys: (card.dataset.key || card.dataset.keys).split(" ") } : null;
  };

  let pointed = null;
  let focused = null;
  const light = () => {
    const spoken = pointed || focused;
    const lit = (turn, key) => Boolean(spoken && spoken.turn === turn && spoken.keys.includes(key));
    for (const node of all("#transcript [data-cite], #transcript [data-tool], #transcript .t-live[data-key]")) {
      node.classList.toggle("t-lit", lit(turnOf(node), node.dataset.cite || node.dataset.tool || node.dataset.key));
    }
    const answer = document.querySelector("#sources [data-answer]")?.dataset.answer;
    for (const node of all("#sources [data-key]")) node.classList.toggle("t-lit", lit(answer, node.dataset.key));
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const spoken = spokenOf(event.target);
    if (!spoken && !pointed) return;
    pointed = spoken;
    light();
  });
  document.addEventListener("focusin", (event) => {
    const spoken = event.target.matches?.(":focus-visible") ? spokenOf(event.target) : null;
    if (!spoken && !focused) return;
    focused = spoken;
    light();
  });

  // A fold that was opened or closed by hand stays so, whatever the server sends for it.
  const folds = new Map();
  document.addEventListener("click", (event) => {
    const fold = event.target.closest?.("summary")?.parentElement;
    if (fold?.dataset.keep) folds.set(fold.dataset.keep, !fold.open);
    const tool = event.target.closest?.("#transcript [data-tool]");
    if (!tool || tool.dataset.event) return;
    const card = tool.closest(".t-turn")?.querySelector(`.t-live[data-key="${CSS.escape(tool.dataset.tool)}"]`);
    card?.scrollIntoView({ block: "nearest" });
    card?.focus({ preventScroll: true });
  });
  const refold = () => {
    for (const fold of all("details[data-keep]")) {
      const wanted = folds.get(fold.dataset.keep);
      if (wanted !== undefined && fold.open !== wanted) fold.open = wanted;
    }
  };

  // Left and right walk through the sources: inside the panel and on a marker as they are, elsewhere with Alt.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: "-1", ArrowRight: "1" }[event.key];
    const at = document.activeElement;
    if (!step || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // In a field with words in it the arrows are the field's.
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(at?.tagName || "") && (at.value || !event.altKey)) return;
    const inside = at?.closest?.("#sources");
    if (!event.altKey && ((!inside && !at?.matches?.(".t-marker[data-cite]")) || at.closest(".t-rows"))) return;
    const button = document.querySelector(`#sources [data-step="${step}"]`);
    if (!button?.checkVisibility({ visibilityProperty: true })) return;
    event.preventDefault();
    // What has the focus in the panel may be gone a moment later; this button stays.
    if (inside) button.focus({ preventScroll: true });
    button.click();
  });

  const watch = () => {
    const seen = ["sources", "transcript"].map((id) => document.getElementById(id));
    if (seen.includes(null)) return void setTimeout(watch, 50);
    const again = new MutationObserver(() => { refold(); light(); });
    for (const node of seen) {
      again.observe(node, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "open"] });
    }
  };
  watch();
})();
