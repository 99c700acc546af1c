// Copies and saves what Python hands over (assistant/web/handed.py). Text of documents is only ever data here: it goes into
// files and the clipboard, never into the page.
(() => {
  let last = 0;
  const PATIENCE = 120000; // ms: a long conversation as PDF takes seconds

  const save = (reply) => {
    const bytes = reply.data === undefined ? reply.text : Uint8Array.from(atob(reply.data), (sign) => sign.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: reply.type }));
    link.download = reply.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    return `Saved ${reply.name}.`;
  };

  // The clipboard of the web needs https or localhost; an intranet may have neither.
  const copyByHand = (reply) => {
    const focused = document.activeElement;
    const field = Object.assign(document.createElement("textarea"), { value: reply.text, readOnly: true });
    Object.assign(field.style, { position: "fixed", left: "-9999px", top: "0" });
    const put = (event) => {
      event.clipboardData.setData("text/plain", reply.text);
      event.clipboardData.setData("text/html", reply.html);
      event.preventDefault();
    };
    document.body.append(field);
    field.select();
    document.addEventListener("copy", put);
    const done = document.execCommand("copy");
    document.removeEventListener("copy", put);
    field.remove();
    focused?.focus?.();
    if (!done) throw new Error("The browser did not let the page copy. Save it as Markdown instead.");
  };

  const copy = async (reply) => {
    if (window.ClipboardItem && navigator.clipboard?.write) {
      // Promises, made while the click counts as one: Safari takes nothing that comes later.
      const part = (key, type) => reply.then((held) => new Blob([held[key]], { type }));
      try {
        await navigator.clipboard.write([
          new ClipboardItem({ "text/plain": part("text", "text/plain"), "text/html": part("html", "text/html") }),
        ]);
        return;
      } catch { /* the reply may have failed, which the next line raises again, or the clipboard, which has another way */ }
    }
    copyByHand(await reply);
  };

  window.thesisHanded = (element, name, trigger, props, watch) => {
    const waiting = new Map();
    let hush;
    const say = (text, bad = false) => {
      const region = element.querySelector(".t-handed");
      if (!region) return;
      clearTimeout(hush);
      region.textContent = text;
      region.classList.toggle("t-bad", bad);
      hush = setTimeout(() => { region.textContent = ""; }, bad ? 12000 : 4000);
    };

    const ask = (sent) => new Promise((resolve, reject) => {
      const number = `${Date.now()}-${last += 1}`;
      const late = setTimeout(() => {
        waiting.delete(number);
        reject(new Error("The server did not answer in time. Try again."));
      }, PATIENCE);
      waiting.set(number, (reply) => {
        clearTimeout(late);
        if (reply.problem) reject(new Error(reply.problem));
        else resolve(reply);
      });
      trigger(name, { ...sent, ask: number });
    });

    watch("value", () => {
      if (!props.value) return;
      const reply = JSON.parse(props.value);
      props.value = ""; // the page keeps no copy
      waiting.get(reply.ask)?.(reply);
      waiting.delete(reply.ask);
    });

    const begin = async ({ form, turn = "", tool = "", id = "" }) => {
      try {
        const reply = ask({ form, turn, tool, id });
        if (form === "copy") {
          await copy(reply);
          say("Copied with its sources.");
        } else {
          if (form === "pdf") say("Making the PDF…");
          say(save(await reply));
        }
      } catch (error) {
        say(error.message, true);
      }
    };

    // Gradio may show this place anew; the one that is gone answers no more.
    const here = (work) => function heard(event) {
      if (element.isConnected) work(event);
      else document.removeEventListener(event.type, heard);
    };
    document.addEventListener("click", here((event) => {
      const hit = event.target instanceof Element ? event.target.closest(`[data-event="${name}"]`) : null;
      if (hit) begin(hit.dataset);
    }));
    document.addEventListener("t-send", here((event) => {
      if (event.detail?.name === name) begin(event.detail.data || {});
    }));
  };
})();
