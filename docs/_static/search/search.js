// The search: sections, terms and functions, ranked by MiniSearch, listed in the dialog and on the search page.
// minisearch.js and searchindex.js are loaded when a reader begins to type: both are scripts, so that they
// load from a folder as from a server.

(() => {
  const BOOSTS = { heading: 8, terms: 7, summary: 3, title: 2, parent: 1.5, text: 1, code: 0.4 };
  const KINDS = {
    term: 1.2, chapter: 1, appendix: 0.7, exercise: 0.5, generic: 0.5, gallery: 0.4, object: 0.3, reference: 0.2, page: 0.3,
  };
  const NAMES = {
    term: "Glossary", exercise: "Exercise", gallery: "Gallery", object: "Reference", reference: "Reference",
  };
  const SILENT = new Set(
    ("a about an and are as at be by can do does for from get has have how i if in into is it its me my need of on or " +
      "should so than that the their them then there these they this to use using was we what when where which who why " +
      "will with you your").split(" "),
  );
  const LISTED = 40;

  const bookSearch = {
    wordsOf: (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f’']s?\b/gu, "")
      .split(/[^\p{L}\p{N}]+/u).filter(Boolean),

    // One stem for a word in all its forms, in British and in American spelling.
    stem(word) {
      const known = this.stems.get(word);
      if (known !== undefined) return known;
      const american = (this.spellings[word] ?? word)
        .replace(/(?<=\p{L}{3})is(e[drs]?|ing|ations?|able)$/u, "iz$1")
        .replace(/(?<=\p{L}{3})our(s|ed|ing)?$/u, "or$1");
      const stem = this.tools.stemmer(american);
      this.stems.set(word, stem);
      return stem;
    },

    stemsOf(text) {
      return this.wordsOf(text).map((word) => this.stem(word));
    },

    async build(index, tools) {
      this.tools = tools;
      this.stems = new Map();
      this.spellings = index.words.spellings ?? {};
      this.entries = index.entries.map((entry, id) => {
        const [page, title] = index.pages[entry.page];
        const address = `${page}.html` + (entry.anchor ? `#${entry.anchor}` : "");
        const texts = { ...entry, terms: entry.terms ?? [], summary: entry.summary ?? [], text: entry.text ?? "" };
        return { ...texts, id, title, address, heading: entry.heading ?? title, parent: entry.parent ?? "" };
      });
      this.same = index.words.same.map((group) => group.map((phrase) => this.stemsOf(phrase)));
      for (const { kind, heading, terms } of this.entries) {
        if (kind === "term") this.same.push([heading, ...terms].map((name) => this.stemsOf(name)));
      }
      // "pseudo-inverse" is found as two words and as one.
      const joined = (text) => text.replace(/(\p{L}+)-(\p{L}+)/gu, "$1-$2 $1$2");
      const mini = new tools.MiniSearch({
        fields: Object.keys(BOOSTS),
        extractField: (entry, field) => {
          const value = entry[field] ?? "";
          return typeof value === "number" ? value : joined([value].flat().join(" . "));
        },
        tokenize: (text) => this.wordsOf(text),
        processTerm: (word) => (SILENT.has(word) ? null : this.stem(word)),
      });
      await mini.addAllAsync(this.entries, { chunkSize: 60 }); // in parts, so that typing goes on
      this.mini = mini;
    },

    // The stems of a text as one string in which a phrase is looked for, whole words only.
    line(text) {
      return ` ${this.stemsOf(text).filter((stem) => !SILENT.has(stem)).join(" ")} `;
    },

    // What was typed, and what others call the same: lists of stems, the first as it was typed.
    variants(query) {
      const all = this.wordsOf(query);
      const kept = all.filter((word) => !SILENT.has(word));
      const typed = (kept.length ? kept : all).map((word) => this.stem(word));
      const found = [typed];
      const add = (stems) => {
        const known = found.some((other) => other.join(" ") === stems.join(" "));
        if (stems.length && !known && found.length < 12) found.push(stems);
      };
      for (let i = 0; i + 1 < kept.length; i++) {
        const one = [...typed.slice(0, i), this.stem(kept[i] + kept[i + 1]), ...typed.slice(i + 2)];
        add(one);
      }
      for (const stems of [...found]) {
        for (const group of this.same) {
          const phrase = group.filter((words) => at(stems, words) >= 0).sort((a, b) => b.length - a.length)[0];
          if (!phrase) continue;
          const start = at(stems, phrase);
          for (const other of group) {
            if (other === phrase) continue;
            add([...stems.slice(0, start), ...other, ...stems.slice(start + phrase.length)]);
          }
        }
      }
      return found;
    },

    // The terms of the book inside a longer question: "how to choose the learning rate" asks for one.
    phrasesIn(stems) {
      const inside = this.same.flat().filter((words) => words.length < stems.length && at(stems, words) >= 0);
      const phrases = [...new Map(inside.map((words) => [words.join(" "), words])).values()];
      return phrases.filter((words) => !phrases.some((other) => other !== words && at(other, words) >= 0));
    },

    // How much an entry is about a phrase, not only has its words somewhere.
    fit(entry, stems) {
      const words = stems.join(" ");
      const phrase = ` ${words} `;
      entry.stems ??= {
        heading: this.line(entry.heading),
        terms: entry.terms.map((term) => this.line(term)),
        summary: this.line(entry.summary.join(" . ")),
        text: this.line(entry.text),
      };
      const { heading, terms, summary, text } = entry.stems;
      const { kind } = entry;
      let factor = 1;
      if (kind === "object") return heading === phrase ? 4 : 1; // every method of a class has its name
      if (heading === phrase) factor *= kind === "term" ? 10 : 4;
      else if (kind !== "term" && heading.startsWith(phrase)) factor *= 2.4;
      else if (kind !== "term" && heading.includes(phrase)) factor *= 1.9;
      if (terms.includes(phrase)) factor *= 3;
      else if (terms.some((term) => term.includes(phrase))) factor *= 1.4;
      if (summary.includes(phrase)) factor *= 1.4;
      if (stems.length > 1 && text.includes(phrase)) factor *= 1.5;
      return factor;
    },

    // The entries in the order of how well they answer; `stems` are the words to mark in them.
    find(query) {
      const variants = this.variants(query);
      if (!variants[0].length) return { hits: [], stems: [] };
      const scores = new Map();
      const consider = (stems, weight, options) => {
        const last = stems.length - 1;
        const found = this.mini.search(stems.join(" "), {
          boost: BOOSTS,
          tokenize: (text) => text.split(" "),
          processTerm: (stem) => stem,
          prefix: (stem, i) => i === last && stem.length > 2,
          weights: { fuzzy: 0.2, prefix: 0.4 },
          ...options,
        });
        for (const { id, score, queryTerms } of found) {
          const entry = this.entries[id];
          const share = new Set(queryTerms).size / new Set(stems).size;
          const kind = (KINDS[entry.kind] ?? 0.5) * (entry.kind === "object" ? weight : 1); // a name is typed
          const value = score * weight * share ** 2 * kind * this.fit(entry, stems);
          scores.set(id, Math.max(scores.get(id) ?? 0, value));
        }
      };
      variants.forEach((stems, i) => consider(stems, i ? 0.85 : 1, { combineWith: "AND" }));
      for (const phrase of this.phrasesIn(variants[0])) {
        consider(phrase, 0.8 * (phrase.length / variants[0].length) ** 2, { combineWith: "AND" });
      }
      if (scores.size < 3) {
        const fuzzy = (stem) => (stem.length > 4 ? 0.25 : false);
        consider(variants[0], 0.3, { combineWith: "OR", fuzzy });
      }
      const typed = query.trim().toLowerCase();
      for (const entry of this.entries) {  // a heading, or a part of one, as it stands there
        if (typed.includes(" ") && entry.heading.toLowerCase().includes(typed)) {
          const value = 400 * (KINDS[entry.kind] ?? 0.5);
          scores.set(entry.id, Math.max(scores.get(entry.id) ?? 0, value));
        }
      }
      const name = query.trim().replace(/\(\)$/, "").replace(/^(lc|lecturecode)\./, "");
      for (const entry of this.entries) {
        if (entry.kind !== "object") continue;
        if (entry.heading === name || (/[_A-Z]/.test(name) && entry.heading.endsWith(`.${name}`))) {
          const code = /[a-z][A-Z]|_|\(|\./.test(query);
          scores.set(entry.id, code ? Infinity : (scores.get(entry.id) ?? 0) * 2);
        }
      }
      const hits = [...scores].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([id]) => this.entries[id]);
      return { hits, stems: [...new Set(variants.flat())] };
    },

    // The part of an entry to show below its heading: the sentence with most of the words.
    excerpt(entry, stems) {
      const wanted = new Set(stems);
      if (entry.kind === "term") return shortened(entry.text);
      if (entry.kind === "object") return shortened(entry.text.split(/(?<=[.!?])\s/)[0]);
      const sentences = [...entry.summary, entry.text].join(" ").match(/[^.!?]+(?:[.!?]+(?!\s)[^.!?]*)*[.!?]*\s*/gu) ?? [];
      let best = "";
      let most = -1;
      for (const sentence of sentences.slice(0, 200)) {
        const count = new Set(this.stemsOf(sentence).filter((stem) => wanted.has(stem))).size;
        if (count > most) [best, most] = [sentence, count];
      }
      return shortened(best.trim());
    },
  };

  const at = (stems, words) => {
    for (let i = 0; i + words.length <= stems.length; i++) {
      if (words.every((word, k) => stems[i + k] === word)) return i;
    }
    return -1;
  };

  const shortened = (text, length = 220) => {
    const part = text.slice(0, length);
    return part.length < text.length ? `${part.slice(0, part.lastIndexOf(" "))} …` : part;
  };

  // -- the list ---------------------------------------------------------------------------------

  const root = () => document.documentElement.dataset.content_root ?? "./";

  const load = (address) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = root() + address;
      script.addEventListener("load", done);
      script.addEventListener("error", () => failed(new Error(`${address} does not load`)));
      document.head.append(script);
    });

  let ready = null;
  const start = () => {
    ready ??= (async () => {
      let index = null;
      globalThis.bookIndex = (given) => (index = given);
      await Promise.all([load("_static/search/minisearch.js"), load("searchindex.js")]);
      await bookSearch.build(index, searchTools);
    })();
    return ready;
  };

  const made = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };

  // A text whose words that were looked for are marked.
  const marked = (element, text, stems) => {
    const wanted = new Set(stems);
    for (const part of text.split(/([\p{L}\p{N}]+)/u)) {
      const [word] = bookSearch.wordsOf(part);
      const hit = word && !SILENT.has(word) && wanted.has(bookSearch.stem(word));
      element.append(hit ? made("mark", "", part) : part);
    }
    return element;
  };

  const link = (entry, className) => {
    const element = made("a", className);
    element.href = root() + entry.address;
    return element;
  };

  const item = (entry, stems) => {
    const hit = made("li", `search-hit kind-${entry.kind ?? "page"}`);
    const where = [NAMES[entry.kind], entry.kind === "term" ? "" : entry.title, entry.parent];
    const trail = where.filter((part) => part && part !== entry.heading);
    hit.append(marked(link(entry, "search-link"), entry.heading, stems));
    hit.append(made("span", "search-where", trail.join(" › ")));
    const text = bookSearch.excerpt(entry, stems);
    if (text) hit.append(marked(made("p", "search-excerpt"), text, stems));
    for (const place of entry.places ?? []) {
      const target = bookSearch.entries[place];
      const line = made("p", "search-place", "In the book: ");
      const there = link(target, "search-link");
      there.textContent = target.heading;
      line.append(there, made("span", "search-where", target.title));
      hit.append(line);
    }
    return hit;
  };

  const list = (box, query) => {
    const { hits, stems } = bookSearch.find(query);
    const shown = hits.slice(0, LISTED);
    const count = hits.length === 1 ? "1 place" : `${hits.length} places`;
    const more = shown.length < hits.length ? `, the best ${LISTED} of them listed` : "";
    box.status.textContent = hits.length
      ? count + more
      : `Nothing found for “${query}”. Try another word for it, or a shorter one.`;
    box.hits.replaceChildren(...shown.map((entry) => item(entry, stems)));
  };

  // Let a field list what it finds as its reader types; the arrow keys lead through the list.
  const attach = (form, parent) => {
    const field = form.querySelector("input[name=q]");
    const box = { status: made("p", "search-status"), hits: made("ol", "search-hits") };
    box.status.setAttribute("role", "status");
    box.hits.setAttribute("role", "list");
    parent.append(box.status, box.hits);
    let timer = 0;
    let asked = "";
    const look = async () => {
      const query = field.value.trim();
      if (query === asked) return;
      asked = query;
      if (!query) {
        box.status.textContent = "";
        box.hits.replaceChildren();
        return;
      }
      if (!bookSearch.mini) box.status.textContent = "Opening the index …";
      try {
        await start();
      } catch (error) {
        box.status.textContent = `The search cannot be opened: ${error.message}.`;
        return;
      }
      if (query === asked) list(box, query);
      parent.dataset.query = query;
    };
    field.addEventListener("focus", () => start().catch(() => {}), { once: true });
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, 80);
    });
    parent.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (!(event.key in steps)) return;
      const stops = [field, ...box.hits.querySelectorAll("a.search-link")];
      const next = stops[stops.indexOf(document.activeElement) + steps[event.key]];
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    return look;
  };

  if (typeof document !== "undefined") {
    const dialog = document.getElementById("pst-search-dialog");
    const inDialog = dialog?.querySelector("form.bd-search");
    if (inDialog) {
      attach(inDialog, dialog);
      // The theme closes it from the field; from the list it is closed here.
      dialog.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !dialog.open) return;
        event.preventDefault();
        dialog.close();
      });
      // A link to a place on this page leaves the page where it is: close what covers it.
      dialog.addEventListener("click", (event) => event.target.closest("a.search-link") && dialog.close());
    }
    const page = document.querySelector(".bd-search-container");
    const onPage = page?.querySelector("form.bd-search");
    if (onPage) {
      const look = attach(onPage, page);
      const field = onPage.querySelector("input[name=q]");
      field.value = new URLSearchParams(location.search).get("q") ?? "";
      field.focus();
      look();
      onPage.addEventListener("submit", (event) => {
        event.preventDefault();
        history.replaceState(null, "", `?q=${encodeURIComponent(field.value.trim())}`);
        look();
      });
    }
  }
  const find = (query) => bookSearch.find(query);
  globalThis.bookSearch = { start, find, entries: () => bookSearch.entries };
})();
