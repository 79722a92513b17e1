/* Edit and run the code of a page, in the page: Python in a worker, from files beside the page.

   window.lecturecode.live, for other scripts of the page (which come after this one, deferred):
     cells                   every cell of the page in order: {box (null: not shown), source (as built),
                             code (now), ran (the code that ran last, null: none), needs: [indices],
                             state: "static" | "ready" | "starting" | "running" | "done" | "failed"}
     start()                 load Python, once; nothing is loaded before. A promise, rejected with a sentence
     run(index, {status})    run the cells that this one needs, where they have not run as they now are, then
                             this one, and show what it shows; status(text) is told how far it is. A promise of
                             {out, html, error: null | {type, message, line, text}, seconds, cell}; a cell
                             above that fails is the one that is told about. Runs wait for one another
     python(code, {after, files, status})
                             run code below cell `after` (null: below none) in a copy of the page's names, after
                             the cells it needs; files: {name: text} are written first. A promise of the same
                             and value: the last expression as JSON can hold it, else null
     stop()                  end what runs; Python starts anew with the next run. What was asked for and has
                             not come is answered with error.type "Stopped"
     onstate(listener)       listener(cell, index) after each change of a state
     edit({parent, code, attributes, keys, changed})
                             load the editor and make one, for code that is no cell; a promise of it
     set(index, code)        put other code into a cell, as if it were typed
   A cell carries data-live = its state, and its output stands in .live-output. */
"use strict";
(() => {
  const here = new URL(".", document.currentScript.src).href;
  const boxes = [...document.querySelectorAll("[data-live]")];
  const hidden = JSON.parse(document.getElementById("live-hidden")?.textContent ?? "{}");
  const codeOf = (box) => box.querySelector("pre").textContent;
  const numbers = (text) => (text ? text.split(" ").map(Number) : []);
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // -- the cells of the page ----------------------------------------------------------------

  const cells = [];
  for (const [index, code] of Object.entries(hidden)) {
    cells[index] = { box: null, source: code, code, ran: null, needs: [], state: "ready" };
  }
  for (const box of boxes) {
    const code = codeOf(box);
    cells[Number(box.dataset.liveIndex)] = {
      box, source: code, code, ran: null, needs: numbers(box.dataset.liveNeeds), state: box.dataset.live,
      why: box.dataset.liveWhy, failing: "liveFails" in box.dataset, gallery: !box.classList.contains("cell"),
    };
  }
  for (let index = 0; index < cells.length; index++) {
    cells[index] ??= { box: null, source: "", code: "", ran: null, needs: [], state: "ready" };
  }
  const shown = cells.filter((cell) => cell.box);
  const name = (index) =>
    cells[index].box ? `cell ${shown.indexOf(cells[index]) + 1}` : "a cell that the page does not show";

  const listeners = [];
  const setState = (index, state) => {
    const cell = cells[index];
    cell.state = state;
    if (cell.box) cell.box.dataset.live = state;
    cell.controls?.stateChanged(state);
    for (const listener of listeners) listener(cell, index);
  };

  // -- what is remembered, on this machine only ------------------------------------------------

  const memory = (() => {
    try {
      localStorage.getItem("lecturecode");
      return localStorage;
    } catch { // a private window may forbid it
      return { getItem: () => null, setItem: () => {}, removeItem: () => {} };
    }
  })();
  const hash = (text) => {
    let h = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
    return h.toString(36) + text.length.toString(36);
  };
  const page = location.pathname.split("/").slice(-2).join("/");
  const key = (cell) => {
    const same = shown.filter((other) => other.source === cell.source).indexOf(cell);
    return `lecturecode edit ${page} ${hash(cell.source)} ${same}`;
  };
  const remember = (cell) => {
    try {
      if (cell.code === cell.source) memory.removeItem(key(cell));
      else memory.setItem(key(cell), cell.code);
    } catch { /* no room: the change lives as long as the page */ }
  };
  for (const cell of shown) {
    if (cell.state !== "static") cell.code = memory.getItem(key(cell)) ?? cell.source;
  }

  // -- Python, in a worker ---------------------------------------------------------------------

  const scripts = new Map();
  const script = (path) => {
    if (!scripts.has(path)) {
      scripts.set(path, new Promise((resolve, reject) => {
        const tag = element("script", { src: new URL(path, here).href });
        tag.onload = resolve;
        tag.onerror = () => { scripts.delete(path); tag.remove(); reject(new Error(`${path} could not be loaded`)); };
        document.head.append(tag);
      }));
    }
    return scripts.get(path);
  };

  const bytes = (text) => {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const raw = atob(text), all = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) all[i] = raw.charCodeAt(i);
    return all;
  };
  let source, came;
  window.liveWorker = (text, modules) => { source = { text, modules }; };
  window.liveFiles = (texts) => {
    came = Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, new Blob([bytes(text)])]));
  };
  const packs = {}; // what a script brought: the packed files, kept for the next start
  const pack = (part) => (packs[part] ??= script(`live/${part}.js`).then(() => came));

  const lacking = () => {
    if (!window.Worker || !window.WebAssembly) return "This browser cannot run Python: it has no WebAssembly.";
    if (!window.DecompressionStream) {
      return "This browser is too old to run Python in a page: it has no DecompressionStream. A newer one will do.";
    }
    return null;
  };

  let worker = null, started = null, last = 0, handed = new Set();
  const waiting = new Map();
  const end = (type, message) => {
    worker?.terminate();
    worker = started = null;
    const answers = [...waiting.values()];
    waiting.clear();
    for (const cell of cells) cell.ran = null;
    for (const { resolve } of answers) resolve({ ended: { type, message, text: message, line: null } });
  };
  const noStart = (why) =>
    `Python could not be started: ${/memory/i.test(why) ? "this device has too little memory for it" : why}.`;
  const plots = () => cells.some((cell) => /\bplots\b|\bmatplotlib\b/.test(cell.code));
  const hand = async (part) => {
    if (handed.has(part)) return;
    handed.add(part);
    const mine = worker;
    const files = await pack(part);
    mine.postMessage({ script: part, files });
  };
  const start = () => (started ??= (async () => {
    const lacks = lacking();
    if (lacks) throw new Error(lacks);
    await script("live-worker.js");
    const url = URL.createObjectURL(new Blob([source.text], { type: "text/javascript" }));
    const mine = (worker = new Worker(url));
    const ready = new Promise((resolve, reject) => {
      mine.onmessage = ({ data }) => {
        if (data.ready) resolve();
        else if (data.failed) reject(new Error(noStart(data.failed)));
        else receive(data);
      };
      mine.onerror = (event) => {
        event.preventDefault();
        reject(new Error(noStart(event.message ?? "its worker failed")));
        if (worker === mine) end("Crashed", "Python broke down and is started anew with the next run.");
      };
    });
    mine.postMessage({ modules: source.modules });
    handed = new Set();
    const core = hand("core").then(() => {
      if (plots()) hand("plots").catch(() => {});
      return ready;
    });
    await Promise.race([core, ready]);
    URL.revokeObjectURL(url);
  })().catch((error) => {
    worker?.terminate();
    worker = started = null;
    throw error;
  }));

  const receive = ({ id, step, answer, broken }) => {
    const asked = waiting.get(id);
    if (!asked) return;
    if (step) { asked.step(step); return; }
    waiting.delete(id);
    if (broken === undefined) { asked.resolve(answer); return; }
    asked.resolve({ ended: { type: "Crashed", message: `Python broke down: ${broken}`, text: `Python broke down: ${broken}`, line: null } });
    end("Crashed", "Python broke down and is started anew with the next run.");
  };
  const alternatives = (cell) => [...(cell.built ?? builtOutputs(cell))].flatMap((part) =>
    (part.matches("img") ? [part] : [...part.querySelectorAll("img")]).map((image) => image.alt));
  const ask = (request, step) => new Promise((resolve) => {
    const whole = {
      codes: cells.map((cell) => cell.code),
      static: cells.flatMap((cell, index) => (cell.state === "static" ? [index] : [])),
      failing: cells.flatMap((cell, index) => (cell.failing ? [index] : [])),
      edited: cells.flatMap((cell, index) => (cell.code !== cell.source ? [index] : [])),
      alts: cells.map((cell) => (cell.box ? alternatives(cell) : [])),
      gallery: Boolean(shown[0]?.gallery),
      ...request,
    };
    waiting.set(++last, { resolve, step });
    worker.postMessage({ id: last, request: whole });
  });

  // -- runs, one after the other -------------------------------------------------------------------

  let queue = Promise.resolve(), epoch = 0;
  const inTurn = (work) => {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  };
  const failure = (error) => ({ out: "", html: "", value: null, seconds: 0, error, cell: null });
  const refusal = (index) => ({
    type: "Static", line: null,
    text: `This needs ${name(index)}, which runs in your own Python: ${cells[index].why}.`,
    message: `This needs ${name(index)}, which runs in your own Python: ${cells[index].why}.`,
  });

  const steps = (asked, status) => (step) => {
    if (step.phase === "plots") {
      status("loading Matplotlib …");
      hand("plots").catch((error) => end("NoPython", error.message));
    }
    if (step.phase === "cell") {
      const cell = cells[step.cell];
      if (cell.box) setState(step.cell, "running");
      status(step.of > 1 ? `running ${name(step.cell)}, ${step.at} of ${step.of} …` : "running …");
    }
    if (step.phase === "text") cells[step.cell].controls?.text(step.text);
    if (step.phase === "ran") {
      const cell = cells[step.cell];
      cell.ran = cell.sent;
      cell.signature = step.result.signature;
      setState(step.cell, step.result.error && !cell.failing ? "failed" : "done");
      if (step.cell === asked || cell.code !== cell.source || cell.controls?.open) cell.controls?.show(step.result);
    }
  };

  const perform = async (request, status) => {
    const mine = epoch;
    if (!started) status("starting Python in this page …");
    try {
      await start();
    } catch (error) {
      return failure({ type: "NoPython", message: error.message, text: error.message, line: null });
    }
    if (mine !== epoch) return failure(stopped);
    for (const cell of cells) cell.sent = cell.code;
    const answer = await ask(request, steps(request.cell, status));
    for (const cell of cells) if (cell.state === "running") setState(cells.indexOf(cell), "ready");
    if (answer.ended) return failure(answer.ended);
    if (answer.refused !== undefined) return failure(refusal(answer.refused));
    if (request.code === undefined) answer.needs.forEach((needs, index) => { cells[index].needs = needs; });
    const result = answer.results.at(-1);
    if (request.code === undefined) markStale(answer.signatures);
    if (result.error?.memory) {
      end("Memory", "Memory is used up.");
      result.error.text += "\nPython was started anew, since memory once used is not given back.";
      if (result.cell !== null) cells[result.cell].controls?.show(result);
    }
    return result;
  };
  const markStale = (signatures) => cells.forEach((cell, index) => {
    const stale = cell.signature !== undefined && cell.ran === cell.code && cell.signature !== signatures[index];
    cell.controls?.stale(stale);
  });

  const stopped = { type: "Stopped", message: "stopped", text: "Stopped.", line: null };
  const quiet = () => {};
  const live = {
    cells,
    start,
    async run(index, { status = quiet } = {}) {
      const cell = cells[index];
      if (cell.state === "static") return failure(refusal(index));
      if (cell.state !== "running") setState(index, "starting");
      const mine = epoch;
      if (waiting.size) status("waiting for another run of this page …");
      const result = await inTurn(() => (mine === epoch ? perform({ cell: index }, status) : failure(stopped)));
      if (result.cell !== index) {
        setState(index, result.error?.type === "Stopped" ? "ready" : "failed");
        const above = result.cell === null ? "" : `${name(result.cell)} above failed: `;
        const told = { ...result.error, text: above + result.error.text, message: above + result.error.message };
        if (above) told.line = null;
        cell.controls?.show({ ...result, html: "", error: told });
        return { ...result, error: told };
      }
      return result;
    },
    python(code, { after = null, files = {}, status = quiet } = {}) {
      const mine = epoch;
      return inTurn(() => (mine === epoch ? perform({ code, after, files, alts: [], values: false }, status) : failure(stopped)));
    },
    stop() {
      epoch++;
      end("Stopped", "Stopped.");
    },
    onstate(listener) { listeners.push(listener); },
    async edit(options) {
      await script("codemirror/codemirror.js");
      return liveEditor.edit(options);
    },
    set(index, code) { cells[index].controls?.set(code); },
  };

  // -- what stands at each cell ---------------------------------------------------------------------

  const OUTPUTS = "img, p.sphx-glr-script-out, div.sphx-glr-script-out, .sphx-glr-horizontal, .lecturecode-player";
  function builtOutputs(cell) {
    if (cell.built) return cell.built;
    cell.built = [...cell.box.querySelectorAll(":scope > .cell_output")];
    let next = cell.gallery ? cell.box.nextElementSibling : null;
    while (next && (next.matches(OUTPUTS) || next.querySelector(":scope > .lecturecode-player"))) {
      cell.built.push(next);
      next = next.nextElementSibling;
    }
    return cell.built;
  }

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  const soon = (work, wait) => {
    let timer = null;
    const now = () => { clearTimeout(timer); timer = null; work(); };
    const later = () => { clearTimeout(timer); timer = setTimeout(now, wait); };
    later.nowIfWaiting = () => { if (timer !== null) now(); };
    return later;
  };
  const lookForStale = soon(async () => {
    if (!started || waiting.size || !worker) return;
    const answer = await ask({ only: "plan", cell: 0 }, quiet);
    if (answer.signatures) markStale(answer.signatures);
  }, 500);

  const controls = (cell, index) => {
    const { box } = cell;
    const fold = box.querySelector(":scope > details");
    const input = box.querySelector(".cell_input") ?? box;
    const listing = input.querySelector("div.highlight");
    const pre = listing.querySelector("pre");
    const built = [...pre.childNodes].map((node) => node.cloneNode(true));

    const button = (text, work) => {
      const made = element("button", { type: "button", textContent: text, className: "live-button" });
      made.onclick = work;
      return made;
    };
    const status = element("span", { className: "live-status" });
    status.setAttribute("role", "status");
    const clock = element("span", { className: "live-clock" });
    clock.setAttribute("aria-hidden", "true");
    const note = element("p", { className: "live-stale", hidden: true });
    const output = element("div", { className: "live-output", hidden: true });
    const edit = button("Edit and run", () => open());
    const run = button("Run", () => go());
    const stop = button("Stop", () => { live.stop(); });
    const reset = button("Reset", () => back());
    const copied = button("Copy", async () => { await copy(cell.code); status.textContent = "copied"; });
    const bar = element("div", { className: "live-bar" }, edit, run, stop, reset, copied, status, clock);
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", name(index));
    if (cell.gallery) box.append(bar, note, output);
    else (fold ?? input).after(bar, note, output);

    let editor = null, running = false, timer;
    const arrange = () => {
      edit.hidden = editor !== null;
      run.hidden = copied.hidden = editor === null;
      reset.hidden = editor === null && cell.code === cell.source;
      if (stop.hidden !== !running && document.activeElement === stop) run.focus();
      stop.hidden = !running;
      run.setAttribute("aria-disabled", String(running));
      box.classList.toggle("live-changed", cell.code !== cell.source);
    };
    const list = () => {
      if (cell.code === cell.source) pre.replaceChildren(...built.map((node) => node.cloneNode(true)));
      else pre.textContent = cell.code;
    };
    const save = soon(() => remember(cell), 300);
    const changed = (text) => {
      cell.code = text;
      arrange();
      save();
      lookForStale();
    };
    addEventListener("pagehide", save.nowIfWaiting); // only then: another tab may have written since

    const open = async () => {
      if (fold) fold.open = true;
      status.textContent = "opening the editor …";
      start().catch(() => {}); // the run says why, if Python cannot be started
      try {
        await script("codemirror/codemirror.js");
      } catch (error) {
        status.textContent = error.message;
        return;
      }
      if (editor) return;
      const place = element("div", { className: "live-editor" });
      listing.after(place);
      listing.hidden = true;
      editor = liveEditor.edit({
        parent: place,
        code: cell.code.replace(/\n+$/, ""),
        attributes: {
          "aria-label": `Python code of ${name(index)}`,
          "aria-description": "Control and Enter run it. Tab indents; Escape, then Tab, leaves the code.",
        },
        keys: ["Mod-Enter", "Ctrl-Enter"].map((pressed) => ({ key: pressed, run: () => { go(); return true; } })),
        changed,
      });
      status.textContent = "Ctrl+Enter runs; Esc, then Tab, leaves the code";
      arrange();
      editor.focus();
    };
    const go = async () => {
      if (running) return;
      running = true;
      note.hidden = true;
      arrange();
      const begun = performance.now();
      timer = setInterval(() => { clock.textContent = `${Math.round((performance.now() - begun) / 1000)} s`; }, 1000);
      const result = await live.run(index, { status: (text) => { status.textContent = text; } });
      clearInterval(timer);
      clock.textContent = "";
      running = false;
      const took = `${((performance.now() - begun) / 1000).toFixed(2)} s`;
      if (!result.error) status.textContent = `done in ${took}`;
      else if (result.error.type === "Stopped") {
        status.textContent = `stopped after ${took}; Python starts anew with the next run, and runs what is needed again`;
      } else status.textContent = `failed after ${took}`;
      arrange();
    };
    const back = () => {
      cell.code = cell.source;
      remember(cell);
      list();
      editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: cell.source.replace(/\n+$/, "") } });
      cell.code = cell.source;
      remember(cell);
      output.hidden = true;
      output.replaceChildren();
      for (const part of builtOutputs(cell)) part.classList.remove("live-replaced");
      cell.signature = undefined;
      if (cell.state === "done" || cell.state === "failed") setState(index, "ready");
      status.textContent = "as in the book again";
      note.hidden = true;
      lookForStale();
      arrange();
      (editor ?? edit).focus();
    };

    cell.controls = {
      get open() { return editor !== null; },
      stateChanged: arrange,
      stale(is) {
        note.hidden = !is;
        note.textContent = is ? "A cell above was changed since this one ran: run it again." : "";
      },
      set(code) {
        if (editor) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: code } });
        changed(code);
        if (!editor) list();
      },
      text(text) {
        output.hidden = false;
        output.replaceChildren(element("pre", { className: "live-text live-stdout", textContent: text }));
      },
      show({ html, error }) {
        for (const part of builtOutputs(cell)) part.classList.add("live-replaced");
        if (error?.type !== "Stopped") output.innerHTML = html; // what had been printed stays
        for (const old of output.querySelectorAll("script")) {
          old.replaceWith(element("script", { textContent: old.textContent }));
        }
        if (error) output.append(element("pre", { className: "live-text live-error", textContent: error.text }));
        output.hidden = false;
        if (output.querySelector(".math")) window.MathJax?.typesetPromise?.([output]);
        for (const part of output.querySelectorAll("pre, .live-part")) {
          if (part.scrollWidth > part.clientWidth + 1) part.tabIndex = 0;
        }
      },
    };
    if (cell.code !== cell.source) {
      list();
      status.textContent = "you changed this code";
    }
    arrange();
  };

  for (const cell of shown) {
    if (cell.state === "static") {
      const why = element("p", { className: "live-why", textContent: `Runs in your own Python: ${cell.why}.` });
      const place = cell.box.querySelector(":scope > details") ?? cell.box.querySelector(".cell_input");
      if (place) place.after(why);
      else cell.box.append(why);
    } else controls(cell, cells.indexOf(cell));
  }

  (window.lecturecode ??= {}).live = live;
})();
