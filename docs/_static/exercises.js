/* Exercises are judged in the page, by the package's own check, and right answers are remembered.

   docs/_ext/judged.py writes a div.judged into an exercise: the name for check, the answer's name, its
   first lines, and the chapter's imports. Where Python runs in the page (window.lecturecode.live) it
   becomes a box for an answer. The div carries data-judged = ready, starting, running, right, wrong or
   failed. What was written and what was right stays in this browser's localStorage, nowhere else; a
   list of chapters and the section of exercises say how many are solved. */
"use strict";
(() => {
  const live = window.lecturecode?.live;
  const JUDGE = `
def judge_answer(name, target, imports, code):
    import linecache
    from lecturecode.exercises import check
    from show import told
    names = {"__name__": "__main__"}
    for line in imports:
        try:
            exec(line, names)
        except ImportError:
            pass
    linecache.cache["<answer>"] = (len(code), None, code.splitlines(keepends=True), "<answer>")
    try:
        exec(compile(code, "<answer>", "exec"), names)
    except MemoryError:
        raise
    except BaseException as raised:
        return {"failed": told(raised, "<answer>")["text"]}
    if target not in names:
        return {"passed": False, "message": f"nothing is called {target} yet"}
    if names[target] is ...:
        return {"passed": False, "message": f"put your answer in place of the dots behind {target} ="}
    verdict = check(name, names[target])
    return {"passed": verdict.passed, "message": verdict.message}
`;
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // -- what is remembered, on this machine only ------------------------------------------------

  const recall = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const keep = (key, text) => {
    try {
      if (text === null) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
    } catch { /* no room, or not allowed: it lives as long as the page */ }
  };
  const solved = (name) => recall(`lecturecode solved ${name}`) !== null;
  const told = (names) => {
    const done = names.filter(solved).length;
    return done === names.length && done > 0 ? `all ${done} solved` : `${done} of ${names.length} solved`;
  };

  // -- how many are solved ---------------------------------------------------------------------

  const boxes = [...document.querySelectorAll("div.judged")].map((box) => ({
    box, data: JSON.parse(box.querySelector("script").textContent),
  }));
  let here = null;
  const heading = boxes[0]?.box.closest(".exercise")?.closest("section")?.querySelector("h2");
  if (heading && live) {
    here = element("p", { className: "judged-here" });
    heading.after(here);
  }
  const count = () => {
    for (const place of document.querySelectorAll(".judged-count")) {
      const names = place.dataset.exercises.split(" ").filter(Boolean);
      const any = names.some(solved);
      place.textContent = any ? ` (exercises: ${told(names)})` : "";
    }
    if (here) {
      const names = boxes.map(({ data }) => data.name);
      here.textContent = `Of the exercises that this page can judge: ${told(names)}. That, and what you write, is remembered in this browser, on this machine only.`;
    }
  };
  count();
  addEventListener("storage", count);
  addEventListener("pageshow", count); // back from the exercises, the page is as it was left
  if (!live) return;

  // -- a box for an answer -----------------------------------------------------------------------

  let last = 0;
  const begin = ({ box, data }) => {
    const { name, answer, stub, imports } = data;
    const title = box.closest(".exercise")?.querySelector(".admonition-title")?.textContent.trim() ?? name;
    const id = `judged-${++last}`;
    let code = recall(`lecturecode answer ${name}`) ?? stub;
    let editor = null, running = false, timer = null;
    const setState = (state) => { box.dataset.judged = state; };

    const listing = element("pre", { className: "judged-code", textContent: code, tabIndex: 0 });
    listing.setAttribute("aria-label", "Your answer so far");
    const place = element("div", { className: "live-editor", hidden: true });
    const button = (text, work) => {
      const made = element("button", { type: "button", textContent: text, className: "live-button" });
      made.onclick = work;
      return made;
    };
    const open = button("Answer here", () => edit());
    const check = button("Check", () => go());
    const stop = button("Stop", () => live.stop());
    const reset = button("Reset", () => back());
    const status = element("span", { className: "live-status" });
    status.setAttribute("role", "status");
    const bar = element("div", { className: "live-bar" }, open, check, stop, reset, status);
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", title);
    const verdict = element("p", { className: "judged-verdict", id });
    verdict.setAttribute("role", "status");
    const printed = element("pre", { className: "judged-printed", hidden: true });
    box.append(listing, place, bar, verdict, printed);

    const arrange = () => {
      open.hidden = editor !== null;
      check.hidden = editor === null;
      reset.hidden = code === stub && !solved(name);
      if (!running && document.activeElement === stop) check.focus();
      stop.hidden = !running;
      check.setAttribute("aria-disabled", String(running));
      box.classList.toggle("judged-solved", solved(name));
    };
    const changed = (text) => {
      code = text;
      clearTimeout(timer);
      timer = setTimeout(save, 300);
      arrange();
    };
    const save = () => {
      clearTimeout(timer);
      timer = null;
      keep(`lecturecode answer ${name}`, code === stub ? null : code);
    };
    addEventListener("pagehide", () => { if (timer !== null) save(); }); // another tab may have written since

    const edit = async () => {
      status.textContent = "opening the editor …";
      live.start().catch(() => {}); // Check says why, if Python cannot be started
      try {
        const made = await live.edit({
          parent: place,
          code: code.replace(/\n+$/, ""),
          attributes: {
            "aria-label": `Your answer to ${title}`,
            "aria-description": "Control and Enter check it. Tab indents; Escape, then Tab, leaves the code.",
          },
          keys: ["Mod-Enter", "Ctrl-Enter"].map((key) => ({ key, run: () => { go(); return true; } })),
          changed,
        });
        editor ??= made;
      } catch (error) {
        status.textContent = error.message;
        return;
      }
      place.querySelector(".cm-scroller").tabIndex = 0; // on a phone it scrolls sideways
      listing.hidden = true;
      place.hidden = false;
      status.textContent = "Ctrl+Enter checks; Esc, then Tab, leaves the code";
      arrange();
      editor.focus();
    };
    const say = (state, words, out = "") => {
      setState(state);
      verdict.textContent = words;
      printed.textContent = out;
      printed.hidden = !out;
    };
    const go = async () => {
      if (running) return;
      if (code.trim() === stub.trim()) {
        say("ready", "Nothing is written yet: put your answer in place of the dots.");
        return;
      }
      running = true;
      setState("starting");
      verdict.textContent = "";
      arrange();
      const begun = performance.now();
      const written = JSON.stringify([name, answer, imports, code]);
      const call = `import json\n${JUDGE}\njudge_answer(*json.loads(${JSON.stringify(written)}))`;
      const asked = live.python(call, { status: (text) => { status.textContent = text; } });
      live.start().then(() => {
        if (!running) return;
        setState("running");
        status.textContent = "checking …";
      }, () => {}); // what went wrong comes with the answer
      const result = await asked;
      running = false;
      status.textContent = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
      if (result.error?.type === "Stopped") say("failed", "Stopped. Python starts anew with the next check.");
      else if (result.error) say("failed", `The answer does not run. ${result.error.text}`, result.out);
      else if (result.value.failed) say("failed", `The answer does not run. ${result.value.failed}`, result.out);
      else {
        const { passed, message } = result.value;
        if (passed) keep(`lecturecode solved ${name}`, new Date().toISOString().slice(0, 10));
        say(passed ? "right" : "wrong", `${passed ? "Correct" : "Not yet"}: ${message}`, result.out);
        count();
      }
      arrange();
    };
    const back = () => {
      code = stub;
      keep(`lecturecode solved ${name}`, null);
      listing.textContent = stub;
      editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: stub.replace(/\n+$/, "") } });
      code = stub;
      save();
      say("ready", "");
      status.textContent = "as at the beginning; nothing of it is remembered";
      count();
      arrange();
      (editor ?? open).focus();
    };

    setState(solved(name) ? "right" : "ready");
    if (solved(name)) verdict.textContent = `Solved on ${recall(`lecturecode solved ${name}`)}, in this browser.`;
    arrange();
  };
  boxes.forEach(begin);
})();
