// The documents tab: its list, one document's details, and files that are added. Parts of the page come from the server as
// finished HTML; changes go by the HTTP API, with the page's own session. Names and texts are only ever set as text.
(() => {
  const POLL = 2500, BATCH_FILES = 20, BATCH_BYTES = 64 << 20, SLACK = 1 << 16, SHOWN = 200;
  const el = (tag, options = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), options);
    made.append(...children);
    return made;
  };
  const size = (bytes) => bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  const time = (seconds) => seconds < 60 ? `${Math.max(1, Math.round(seconds))} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  const many = (count, one, more = one + "s") => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
  const problem = async (response) => {
    if (response.status === 401 || response.redirected) return "You are signed out. Load the page again and sign in.";
    try {
      const told = await response.json();
      return `${told.detail} ${told.what_to_do || ""}`.trim();
    } catch { return `The server answered with an error (${response.status}). Try again.`; }
  };
  // Gradio puts its containers before each selector of our styles: what is styled stands inside them.
  const lost = "The server cannot be reached. Check the connection and try again.";

  class Tab {
    constructor(root, changed) {
      this.root = root.querySelector("#documents-root");
      this.changed = changed;
      this.view = {};
      this.html = {};
      this.waiting = null;
      this.uploads = new Uploads(this);
      this.dialog = new Details(this);
      this.root.addEventListener("click", (event) => this.clicked(event));
      this.root.addEventListener("change", (event) => this.selected(event));
      this.root.addEventListener("input", (event) => {
        if (event.target.id !== "find-documents-text") return;
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.show({ q: event.target.value, page: "" }), 200);
      });
      new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.load(); }).observe(this.root);
      this.drops();
    }

    get shown() { return this.root.isConnected && this.root.offsetParent !== null; }
    part(name) { return this.root.querySelector(`[data-part="${name}"]`); }
    say(text) { this.root.querySelector("#documents-said").textContent = text; }

    show(change) {
      Object.assign(this.view, change);
      return this.load();
    }

    async load() {
      clearTimeout(this.waiting);
      this.loading?.abort();
      const loading = this.loading = new AbortController();
      const query = new URLSearchParams(Object.entries(this.view).filter(([, value]) => value));
      try {
        const response = await fetch(`documents/list?${query}`, { signal: loading.signal });
        const signed = response.redirected ? "" : await response.text();
        if (!signed) return this.fail("You are signed out. Load the page again and sign in.");
        const parts = new DOMParser().parseFromString(signed, "text/html").querySelectorAll("[data-part]");
        if (!parts.length) return this.part("rows").replaceChildren(...new DOMParser().parseFromString(signed, "text/html").body.childNodes);
        for (const part of parts) this.put(part.dataset.part, part.innerHTML);
      } catch (error) {
        if (error.name !== "AbortError") this.fail(lost);
        return;
      }
      const pending = Number(this.root.querySelector("[data-pending]")?.dataset.pending || 0);
      if ((pending || this.uploads.reading) && this.shown) this.waiting = setTimeout(() => this.load(), POLL);
    }

    fail(text) { this.put("rows", ""); this.part("rows").replaceChildren(el("p", { className: "t-alert", role: "alert", textContent: text })); }

    // What has not changed stays as it is, with focus and what was typed in it.
    put(name, html) {
      const place = this.part(name);
      if (!place || this.html[name] === html) return;
      const held = {};
      for (const field of place.querySelectorAll("input[name],select[name]")) held[field.name] = field.value;
      const focused = place.contains(document.activeElement) ? document.activeElement.dataset : null;
      this.html[name] = html;
      place.innerHTML = html;
      for (const field of place.querySelectorAll("input[name],select[name]")) {
        if (held[field.name] && field.type !== "file") field.value = held[field.name];
      }
      for (const key of ["sort", "page", "details", "filter"]) {
        if (focused?.[key] === undefined) continue;
        const same = [...place.querySelectorAll(`[data-${key}]`)].find((one) => one.dataset[key] === focused[key] && !one.disabled);
        (same || place.querySelector("[data-page]:not(:disabled)"))?.focus();
      }
    }

    clicked(event) {
      const hit = event.target.closest("[data-sort],[data-page],[data-details],[data-clear],[data-add],[data-admin]");
      if (!hit) return;
      const data = hit.dataset;
      if (data.details) this.dialog.open(data.details);
      else if (data.admin !== undefined) this.dialog.administration();
      else if (data.sort) this.show({ sort: data.sort, order: data.order, page: "" });
      else if (data.page) this.show({ page: data.page }).then(() => this.root.scrollIntoView({ block: "start" }));
      else if (data.clear !== undefined) {
        this.root.querySelector("#find-documents-text").value = "";
        this.show({ q: "", state: "", kind: "", publisher: "", collection: "", page: "" });
      } else this.root.querySelector("#upload input").click();
    }

    selected(event) {
      const target = event.target;
      if (target.type === "file") {
        this.uploads.add([...target.files]);
        target.value = "";
      } else if (target.dataset.filter === "sort") {
        const down = ["published", "added", "pages", "chunks"].includes(target.value);
        this.show({ sort: target.value, order: down ? "down" : "up", page: "" });
      } else if (target.dataset.filter) this.show({ [target.dataset.filter]: target.value, page: "" });
    }

    drops() {
      const veil = this.root.querySelector(".t-veil");
      let leaving;
      const takes = (event) => this.shown && this.root.querySelector(".t-add") && [...(event.dataTransfer?.types || [])].includes("Files");
      document.addEventListener("dragover", (event) => {
        if (!takes(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        veil.hidden = false;
        clearTimeout(leaving);
        leaving = setTimeout(() => { veil.hidden = true; }, 300);
      });
      document.addEventListener("drop", async (event) => {
        if (!takes(event)) return;
        event.preventDefault();
        clearTimeout(leaving);
        veil.hidden = true;
        this.uploads.add(await dropped(event.dataTransfer));
      });
    }
  }

  // Files of what was dropped, those in folders too, but hidden ones.
  const dropped = async (transfer) => {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
    const files = [];
    const walk = async (entry) => {
      if (entry.name.startsWith(".")) return;
      if (entry.isFile) files.push(await new Promise((done, failed) => entry.file(done, failed)));
      else {
        const reader = entry.createReader();
        for (;;) {
          const some = await new Promise((done, failed) => reader.readEntries(done, failed));
          if (!some.length) break;
          for (const one of some) await walk(one);
        }
      }
    };
    for (const entry of entries) await walk(entry);
    return files;
  };

  class Uploads {
    constructor(tab) {
      this.tab = tab;
      this.files = [];
      this.queue = [];
      this.running = this.reading = false;
    }

    get options() {
      const found = {};
      for (const field of this.tab.root.querySelectorAll(".t-batch [name]")) if (field.value) found[field.name] = field.value;
      return found;
    }

    add(files) {
      const box = this.tab.root.querySelector(".t-add");
      if (!files.length || !box) return;
      if (!this.running) this.files = [];
      const limit = Number(box.dataset.limitMb) << 20, types = box.dataset.types.split(",");
      for (const file of files) {
        const name = file.name.toLowerCase(), dot = name.lastIndexOf(".");
        const one = { file, state: "waiting", text: "" };
        if (dot < 1 || !types.includes(name.slice(dot))) {
          one.text = `This type is not read. Give one of ${types.join(" ")}.`;
        } else if (file.size === 0) one.text = "The file is empty. Give a file with text.";
        else if (file.size > limit) one.text = `It has ${size(file.size)}; a file may have ${box.dataset.limitMb} MB. Split it.`;
        if (one.text) one.state = "failed";
        else this.queue.push(one);
        this.files.push(one);
      }
      this.given = this.options;
      if (!this.running) this.run(limit);
      else this.draw();
    }

    async run(limit) {
      this.running = true;
      this.stopped = false;
      this.begun = performance.now();
      this.sent = this.loaded = 0;
      this.tab.say(`Adding ${many(this.files.length, "file")}.`);
      // What comes in is seen at the top, unless somebody has chosen an order.
      if (!this.tab.view.sort) this.tab.show({ sort: "added", order: "down", page: "" });
      this.draw();
      while (this.queue.length && !this.stopped) {
        const batch = [];
        let bytes = 0;
        while (this.queue.length && batch.length < BATCH_FILES && (!batch.length || bytes + this.queue[0].file.size < Math.min(limit - SLACK, BATCH_BYTES))) {
          bytes += this.queue[0].file.size;
          batch.push(this.queue.shift());
        }
        this.batch = batch;
        this.loaded = 0;
        for (const one of batch) one.state = "sending";
        await this.send(batch);
        for (const one of batch) if (one.state === "sending" || one.state === "reading") this.settle(one, "failed", "Nothing was heard of it. Look for it in the list.");
        this.sent += bytes;
        this.moment = null;
        this.reading = false;
        this.tab.load();
      }
      for (const one of this.queue.splice(0)) this.settle(one, "stopped", "Not sent: you stopped it.");
      this.running = false;
      this.draw();
      this.tab.say(this.summary());
      this.tab.load();
      this.tab.changed();
    }

    settle(one, state, text = "") {
      one.state = state;
      one.text = text.startsWith(`${one.file.name} `) ? `It ${text.slice(one.file.name.length + 1)}` : text;
    }

    send(batch) {
      const form = new FormData();
      this.name = `page-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
      form.append("upload_id", this.name);
      for (const [name, value] of Object.entries(this.given)) form.append(name, value);
      for (const one of batch) form.append("files", one.file, one.file.name);
      return new Promise((done) => {
        const request = this.request = new XMLHttpRequest();
        let read = 0, held = "";
        const events = () => {
          held += request.responseText.slice(read);
          read = request.responseText.length;
          const parts = held.split("\n\n");
          held = parts.pop();
          for (const part of parts) {
            const match = /^event: (\w+)\ndata: (.*)$/s.exec(part);
            if (match) this.heard(match[1], JSON.parse(match[2]), batch);
          }
        };
        request.upload.onprogress = (event) => { this.loaded = Math.min(event.loaded, batch.reduce((sum, one) => sum + one.file.size, 0)); this.draw(); };
        request.upload.onload = () => {
          this.reading = true;
          for (const one of batch) one.state = "reading";
          this.tab.say(`Reading ${many(batch.length, "file")}.`);
          this.draw();
          this.tab.load();
        };
        request.onprogress = () => { if (request.status === 200) events(); };
        request.onload = () => {
          if (request.status === 200) events();
          else this.refused(request, batch);
          done();
        };
        request.onerror = () => { for (const one of batch) this.settle(one, "failed", lost); done(); };
        request.onabort = () => { for (const one of batch) this.settle(one, "stopped", "Not sent: you stopped it."); done(); };
        request.open("POST", "api/v1/documents");
        request.setRequestHeader("Accept", "text/event-stream");
        request.send(form);
      });
    }

    heard(name, data, batch) {
      if (name === "progress") this.moment = data;
      else this.report(name === "report" ? data : data.report, batch, data);
      this.draw();
    }

    refused(request, batch) {
      let told = {};
      try { told = JSON.parse(request.responseText); } catch { /* a proxy's own words */ }
      const wait = Number(request.getResponseHeader("Retry-After"));
      const full = request.status === 413 && !told.detail;
      const text = request.status === 401 ? "You are signed out. Load the page again and sign in."
        : full ? "A server in front of this one takes no files of this size. Tell whoever runs it."
          : `${told.detail || `The server answered with an error (${request.status}).`} ${told.what_to_do || (wait ? `Add it again in ${wait} s.` : "")}`.trim();
      this.report(told.report, batch, { detail: text, stopped: told.kind === "stopped" });
    }

    // Each file's own outcome; what the report does not tell of ended as the whole did.
    report(report, batch, told) {
      const files = new Map((report?.files || []).map((one) => [one.path.split("/").pop(), one]));
      for (const one of batch) {
        const own = files.get(one.file.name.normalize("NFC"));
        if (own) this.settle(one, own.outcome, own.text);
        else if (told.stopped || told.kind === "stopped") this.settle(one, "stopped", "You stopped it. If it was in by then, it is in the list.");
        else if (report?.files?.length === batch.length) {
          const other = report.files[batch.indexOf(one)];
          this.settle(one, other.outcome, other.text);
        } else this.settle(one, "failed", `${told.detail || "It was not taken."} ${told.kind ? told.what_to_do || "" : ""}`.trim());
      }
    }

    async stop() {
      this.stopped = true;
      if (!this.reading) return this.request?.abort();
      this.tab.say("Stopping.");
      this.draw();
      try { await fetch(`api/v1/uploads/${this.name}`, { method: "DELETE" }); } catch { /* it ends by itself */ }
    }

    summary() {
      const counts = {};
      for (const one of this.files) counts[one.state] = (counts[one.state] || 0) + 1;
      const said = ["added", "updated", "unchanged", "failed", "stopped"].filter((name) => counts[name]).map((name) => `${counts[name]} ${name}`);
      return `${said.join(", ") || "Nothing to do"}.`;
    }

    line() {
      const whole = this.files.filter((one) => one.state !== "failed" || one.sent).reduce((sum, one) => sum + one.file.size, 0);
      const up = this.sent + this.loaded, seconds = (performance.now() - this.begun) / 1000;
      if (this.reading) {
        const now = this.moment;
        if (!now || !now.files_total || (!now.current && !now.files_done)) return [null, "Reading; another ingest may have its turn before."];
        const parts = [`Reading: ${now.files_done} of ${many(now.files_total, "file")}`];
        if (now.behind) parts.push(`${now.behind} more by their words`);
        if (now.pages) parts.push(many(now.pages, "page"));
        parts.push(many(now.chunks, "chunk"));
        if (now.chunks_per_second) parts.push(`${Math.round(now.chunks_per_second)} a second`);
        if (now.seconds_left !== null && now.seconds_left !== undefined) parts.push(`about ${time(now.seconds_left)} left`);
        return [now.files_total ? now.files_done / now.files_total : null, `${parts.join(", ")}${now.current ? `: ${now.current}` : ""}`];
      }
      const rate = up / Math.max(seconds, 0.1);
      const left = rate > 0 && up < whole ? `, about ${time((whole - up) / rate)} left` : "";
      return [whole ? up / whole : 0, `Sending: ${size(up)} of ${size(whole)}, ${size(rate)} a second${left}`];
    }

    draw() {
      const place = this.tab.root.querySelector("#upload-result");
      if (!this.files.length) return place.replaceChildren();
      const box = place.querySelector(".t-report") || place.appendChild(el("div", { className: "t-report" }));
      const [share, text] = this.running ? this.line() : [1, ""];
      const done = this.files.filter((one) => !["waiting", "sending", "reading"].includes(one.state)).length + (this.reading && this.moment?.files_done || 0);
      const head = el("p", {}, el("strong", { textContent: this.running ? `${done} of ${many(this.files.length, "file")}. ` : `${this.summary()} ` }), text);
      if (!this.running && this.files.some((one) => ["added", "updated"].includes(one.state))) head.append("They can be asked about now.");
      const bar = el("progress", { max: 1 });
      if (share !== null) bar.value = share;
      bar.setAttribute("aria-label", "Progress");
      const button = this.running ? el("button", { type: "button", className: "t-action", textContent: this.stopped ? "Stopping…" : "Stop", disabled: this.stopped })
        : el("button", { type: "button", className: "t-action", textContent: "Close" });
      button.dataset.upload = this.running ? "stop" : "close";
      const items = [...this.files].sort((a, b) => this.rank(a) - this.rank(b)).slice(0, SHOWN).map((one) => this.item(one));
      const list = el("ul", {}, ...items);
      if (this.files.length > SHOWN) list.append(el("li", { textContent: `and ${this.files.length - SHOWN} more` }));
      const focused = box.contains(document.activeElement);
      box.replaceChildren(el("div", { className: "t-report-head" }, head, button), ...(this.running ? [bar] : []), list);
      button.onclick = () => {
        if (this.running) return this.stop();
        this.files = [];
        this.draw();
        this.tab.root.querySelector("[data-add]")?.focus();
      };
      if (focused) button.focus();
    }

    rank(one) { return { failed: 0, stopped: 1, sending: 2, reading: 2, waiting: 4 }[one.state] ?? (one.text ? 1 : 3); }

    item(one) {
      const words = { waiting: "waits", sending: "is being sent", reading: "is being read", stopped: "stopped", failed: "failed" };
      const kind = one.state === "failed" ? "t-bad" : ["added", "updated", "unchanged"].includes(one.state) ? "t-good" : "";
      const state = { added: "added", updated: "added as a new version", unchanged: "is in already, unchanged" }[one.state] || words[one.state];
      return el("li", { className: kind }, el("strong", { textContent: one.file.name }), `: ${one.text && one.state === "failed" ? one.text : state}${one.text && one.state !== "failed" ? `. ${one.text}` : ""}`);
    }
  }

  class Details {
    constructor(tab) {
      this.tab = tab;
      this.box = document.getElementById("document-sheet") || (document.querySelector("main.contain") || document.body).appendChild(el("dialog", { id: "document-sheet", className: "t-sheet" }));
      this.box.setAttribute("aria-labelledby", "document-title");
      this.box.onclick = (event) => this.clicked(event);
      this.box.onsubmit = (event) => { event.preventDefault(); this.save(event.target); };
      this.box.onclose = () => {
        const button = [...this.tab.root.querySelectorAll("[data-details]")].find((one) => one.dataset.details === this.id);
        const back = this.id ? button : this.tab.root.querySelector("[data-admin]");
        (back || this.tab.root.querySelector("#find-documents-text"))?.focus();
      };
      this.box.addEventListener("toggle", (event) => { if (event.target.dataset?.chunks && event.target.open) this.chunks(event.target); }, true);
    }

    open(id, said = "") {
      this.id = id;
      return this.fill(`documents/detail/${encodeURIComponent(id)}`, said);
    }

    administration() {
      this.id = "";
      return this.fill("documents/administration", "");
    }

    async fill(path, said) {
      try {
        const response = await fetch(path);
        this.box.innerHTML = response.redirected ? "" : await response.text();
        if (response.redirected) this.box.append(el("p", { className: "t-alert", textContent: "You are signed out. Load the page again and sign in." }));
        if (!response.ok || response.redirected) this.box.append(el("button", { type: "button", className: "t-action", textContent: "Close", onclick: () => this.box.close() }));
      } catch {
        this.box.replaceChildren(el("p", { className: "t-alert", textContent: lost }), el("button", { type: "button", className: "t-action", textContent: "Close", onclick: () => this.box.close() }));
      }
      if (!this.box.open) this.box.showModal();
      this.box.scrollTop = 0;
      this.say(said);
      this.box.querySelector("#document-title")?.focus();
    }

    say(text) {
      const line = this.box.querySelector(".t-said");
      if (line) line.textContent = text;
    }

    clicked(event) {
      if (event.target === this.box) return this.box.close(); // beside the sheet
      const hit = event.target.closest("button");
      if (!hit) return;
      const data = hit.dataset, form = this.box.querySelector("form"), sure = this.box.querySelector(".t-sure");
      const flip = (button, part, open) => { part.hidden = !open; this.box.querySelector(button)?.setAttribute("aria-expanded", String(open)); };
      if (data.close !== undefined) this.box.close();
      else if (data.admin !== undefined) this.administration();
      else if (data.edit !== undefined) { flip("[data-edit]", form, form.hidden); if (!form.hidden) form.elements[0].focus(); }
      else if (data.cancelEdit !== undefined) { form.reset(); flip("[data-edit]", form, false); this.box.querySelector("[data-edit]").focus(); }
      else if (data.remove !== undefined) { flip("[data-remove]", sure, sure.hidden); if (!sure.hidden) sure.querySelector("button").focus(); }
      else if (data.keep !== undefined) { flip("[data-remove]", sure, false); this.box.querySelector("[data-remove]").focus(); }
      else if (data.reallyRemove) this.remove(hit);
      else if (data.reingest) this.again(hit);
    }

    async call(path, options) {
      try {
        const response = await fetch(path, options);
        return response.ok && !response.redirected ? [response, ""] : [null, await problem(response)];
      } catch { return [null, lost]; }
    }

    async remove(button) {
      button.disabled = true;
      const [done, why] = await this.call(`api/v1/documents/${encodeURIComponent(this.id)}`, { method: "DELETE" });
      button.disabled = false;
      if (!done) return this.say(why);
      const name = this.box.querySelector("h2").textContent;
      this.box.close();
      this.tab.say(`${name} is removed.`);
      this.after();
    }

    async again(button) {
      button.disabled = true;
      this.say("Reading it again.");
      const [response, why] = await this.call(`api/v1/documents/${encodeURIComponent(this.id)}/reingest`, { method: "POST", headers: { Accept: "text/event-stream" } });
      let said = why;
      if (response) {
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let held = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          const parts = (held + value).split("\n\n");
          held = parts.pop();
          for (const part of parts) {
            const match = /^event: (\w+)\ndata: (.*)$/s.exec(part);
            if (!match) continue;
            const data = JSON.parse(match[2]);
            if (match[1] === "progress") this.say(`Reading it again: ${data.pages ? many(data.pages, "page") + ", " : ""}${many(data.chunks, "chunk")}${data.seconds_left ? `, about ${time(data.seconds_left)} left` : ""}.`);
            else if (match[1] === "error") said = `${data.detail} ${data.what_to_do || ""}`;
            else said = data.files?.[0]?.outcome === "unchanged" ? "Read again: nothing has changed." : "Read again: it is as it now reads.";
          }
        }
      }
      const id = this.id;
      if (this.box.open) await this.open(id, said);
      else this.tab.say(said);
      this.after();
    }

    async save(form) {
      const body = {}, back = new Set([...form.querySelectorAll("[name=back]:checked")].map((one) => one.value));
      for (const field of form.querySelectorAll("input[name]:not([name=back]),select[name]")) {
        const before = field.tagName === "SELECT" ? [...field.options].find((one) => one.defaultSelected)?.value : field.defaultValue;
        if (back.has(field.name)) body[field.name] = null;
        else if (field.value.trim() !== (before || "")) {
          body[field.name] = field.name === "authors" ? field.value.split(";").map((one) => one.trim()).filter(Boolean) : field.value.trim();
        }
        field.removeAttribute("aria-invalid");
      }
      const alert = form.querySelector("[role=alert]");
      alert.hidden = true;
      if (!Object.keys(body).length) return this.say("Nothing is changed.");
      form.querySelector("[type=submit]").disabled = true;
      this.say(back.size ? "Saving; the document is read again." : "Saving.");
      const [done, why] = await this.call(`api/v1/documents/${encodeURIComponent(this.id)}`, {
        method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      if (done) {
        await this.open(this.id, "Saved. It counts from now on.");
        return this.after();
      }
      form.querySelector("[type=submit]").disabled = false;
      this.say("");
      alert.textContent = why;
      alert.hidden = false;
      const wrong = form.elements[/^(\w+)[ :]/.exec(why)?.[1]];
      if (wrong?.focus) { wrong.setAttribute("aria-invalid", "true"); wrong.focus(); }
    }

    async chunks(place) {
      if (place.dataset.loaded) return;
      place.dataset.loaded = "yes";
      const [response, why] = await this.call(`documents/chunks/${encodeURIComponent(place.dataset.chunks)}`);
      const list = place.querySelector(".t-chunk-list");
      if (response) list.innerHTML = await response.text();
      else list.textContent = why;
    }

    after() { this.tab.load(); this.tab.changed(); }
  }

  window.thesisDocuments = (element, changed) => { new Tab(element, changed); };
  window.addEventListener("beforeunload", (event) => { if (document.querySelector('#upload-result [data-upload="stop"]')) event.preventDefault(); });
})();
