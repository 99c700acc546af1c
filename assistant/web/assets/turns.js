// The turns of the conversation: the server sends those that are new and the order of all (assistant/web/turns.py). What has not changed
// is left alone, with what the user opened or chose in it. The HTML is the server's own, with every text escaped.
(() => {
  const parsed = (html) => {
    const box = document.createElement("template");
    box.innerHTML = html;
    return box.content;
  };

  // Changes `node` by what differs between the HTML that it was made from and the new one.
  const patch = (node, was, now) => {
    if (was.isEqualNode(now)) return;
    if (node.nodeName !== now.nodeName || was.nodeName !== now.nodeName) return void node.replaceWith(now);
    if (now.nodeType === Node.TEXT_NODE) return void (node.data = now.data);
    for (const { name } of [...(was.attributes || [])]) if (!now.hasAttribute(name)) node.removeAttribute(name);
    for (const { name, value } of [...(now.attributes || [])]) if (was.getAttribute(name) !== value) node.setAttribute(name, value);
    children(node, was, now);
  };
  const children = (node, was, now) => {
    const [have, had, want] = [node, was, now].map((one) => [...one.childNodes]);
    for (let at = 0; at < Math.max(have.length, want.length); at += 1) {
      if (!want[at]) have[at].remove();
      else if (!have[at]) node.append(want[at]);
      else if (!had[at]) have[at].replaceWith(want[at]);
      else patch(have[at], had[at], want[at]);
    }
  };

  // The turn that is being answered: lines of [kept from the start, kept from the end, what stands between].
  const live = { element: null, value: "", html: "" };
  const grow = (value) => {
    const box = live.element.querySelector(".t-turns");
    const known = value.startsWith(live.value) ? live.value.length : 0;
    let html = known ? live.html : "";
    for (const line of value.slice(known).split("\n")) {
      if (!line) continue;
      const [start, end, text] = JSON.parse(line);
      html = html.slice(0, start) + text + html.slice(html.length - end);
    }
    children(box, parsed(live.html), parsed(html));
    Object.assign(live, { value, html });
  };

  // The finished turn is the node in which it was answered, so that nothing moves and what is selected in it stays so.
  const adopted = (number, html) => {
    const node = number && live.element?.querySelector(`[data-turn-number="${number}"]`);
    if (!node) return null;
    patch(node, parsed(live.html).firstChild, parsed(html).firstChild);
    live.html = "";
    return node;
  };

  const shown = new Map(); // key -> {node, html}
  const put = (box, { order, html }, missing) => {
    if (order.some((key) => !shown.has(key) && html[key] === undefined)) return void missing();
    const numbers = new Map([...shown].map(([key, one]) => [key.split(".")[0], { key, ...one }]));
    // First, or each of the others would be moved before them, and lose its focus and what is selected in it.
    const coming = new Set(order.map((key) => key.split(".")[0]));
    for (const [key, { node }] of [...shown]) {
      if (coming.has(key.split(".")[0])) continue;
      node.remove();
      shown.delete(key);
    }
    let before = null;
    for (const key of order) {
      if (!shown.has(key)) {
        const number = key.split(".")[0];
        const old = numbers.get(number);
        let node = null;
        if (old && !order.includes(old.key) && old.node.dataset.conversation === parsed(html[key]).firstChild.dataset.conversation) {
          patch(old.node, parsed(old.html).firstChild, parsed(html[key]).firstChild);
          shown.delete(old.key);
          node = old.node;
        }
        node ||= adopted(number, html[key]) || parsed(html[key]).firstChild;
        shown.set(key, { node, html: html[key] });
      }
      const { node } = shown.get(key);
      if (node.parentNode !== box || node.previousSibling !== before) box.insertBefore(node, before ? before.nextSibling : box.firstChild);
      before = node;
    }
    for (const [key, { node }] of [...shown]) {
      if (order.includes(key)) continue;
      node.remove();
      shown.delete(key);
    }
  };

  const heard = (props, watch, done) => {
    const hear = () => done(props.value || "");
    watch("value", hear);
    if (props.value) hear();
  };

  window.thesisTurns = {
    transcript: (element, trigger, props, watch) => {
      shown.clear(); // a page that was shown anew has none of them
      heard(props, watch, (value) => {
        if (value) put(element.querySelector(".t-turns"), JSON.parse(value), () => trigger("missing", {}));
      });
    },
    live: (element, trigger, props, watch) => {
      Object.assign(live, { element, value: "", html: "" });
      heard(props, watch, grow);
    },
  };
})();
