// Python in a worker of the page. The worker comes from a Blob, since a page opened by double click
// may start no other; so there is no address to load from, and the files come by message, each a Blob
// packed by gzip. Nothing else is reached: the worker's ways to the network are closed.
"use strict";
const BASE = "https://book.invalid/"; // what Pyodide believes to be its folder
const MOST_MEMORY = 1.5 * 2 ** 30; // bytes; beyond that Python says that memory is used up

self.importScripts = undefined; // Pyodide refuses a worker that has it; one from file:// has no other kind
for (const way of ["XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "Worker", "SharedWorker"]) {
  self[way] = undefined;
}

const files = new Map();
const unpacked = (name) => files.get(name).stream().pipeThrough(new DecompressionStream("gzip"));
self.fetch = async (what) => {
  const url = String(what.url ?? what);
  if (!url.startsWith(BASE)) throw new TypeError("a page has no network");
  const name = url.slice(BASE.length);
  if (!files.has(name)) return new Response(null, { status: 404 });
  const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(unpacked(name), { headers: { "content-type": type } });
};
const load = async (name) => {
  const text = await new Response(unpacked(name)).blob();
  const url = URL.createObjectURL(text.slice(0, text.size, "text/javascript"));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
};

const grow = WebAssembly.Memory.prototype.grow;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength + pages * 65536 > MOST_MEMORY) throw new RangeError("memory is used up");
  return grow.call(this, pages);
};

let arrived; // resolves when the files of a script have come
const waiting = new Map();
const script = (name) => {
  if (!waiting.has(name)) {
    let ok;
    const promise = new Promise((resolve) => (ok = resolve));
    waiting.set(name, { promise, ok });
  }
  return waiting.get(name);
};

let lock;
const install = async (py, name) => {
  await script(name).promise;
  lock ??= JSON.parse(await new Response(unpacked("pyodide-lock.json")).text()).packages;
  const here = Object.values(lock).filter((entry) => files.has(entry.file_name)).map((entry) => entry.name);
  await py.loadPackage(here, { messageCallback: () => {}, errorCallback: (text) => { throw new Error(text); } });
};

const begin = async (modules) => {
  await script("core").promise;
  const [{ loadPyodide }, asm] = await Promise.all([load("pyodide.mjs"), load("pyodide.asm.mjs")]);
  const py = await loadPyodide({
    indexURL: BASE,
    packageBaseUrl: BASE,
    createPyodideModule: asm.default,
    stdout: () => {},
    stderr: () => {},
  });
  await install(py, "core");
  py.FS.mkdirTree("/live");
  for (const [name, text] of Object.entries(modules)) py.FS.writeFile(`/live/${name}`, text);
  py.runPython("import sys; sys.path.append('/live'); import show; show.begin()");
  const show = py.pyimport("show");
  return { py, plan: show.plan, run: show.run };
};

let python, plots;
const asked = async (request, say) => {
  const { py, plan, run } = await python;
  const told = JSON.parse(plan(JSON.stringify(request)));
  if (request.only === "plan") return told;
  const refused = told.first.find((cell) => request.static.includes(cell));
  if (refused !== undefined) return { ...told, refused };
  if (told.plots && !plots) {
    say({ phase: "plots" });
    await (plots = install(py, "plots"));
  }
  await plots;
  const results = [];
  const cells = request.code === undefined ? [...told.first, request.cell] : told.first;
  for (const [at, cell] of cells.entries()) {
    say({ phase: "cell", cell, at: at + 1, of: cells.length });
    const part = { ...request, code: undefined, cell, alts: request.alts[cell], edited: request.edited.includes(cell) };
    const result = JSON.parse(run(JSON.stringify(part), (text) => say({ phase: "text", cell, text })));
    results.push({ cell, ...result });
    say({ phase: "ran", cell, result });
    if (result.error && (cell === request.cell || !request.failing.includes(cell))) return { ...told, results };
  }
  if (request.code !== undefined) results.push({ cell: null, ...JSON.parse(run(JSON.stringify({ ...request, alts: [], edited: false }))) });
  return { ...told, results };
};

self.onmessage = async ({ data }) => {
  if (data.files) {
    for (const [name, blob] of Object.entries(data.files)) files.set(name, blob);
    script(data.script).ok();
    return;
  }
  if (data.modules) {
    python = begin(data.modules);
    python.then(
      () => self.postMessage({ ready: true }),
      (error) => self.postMessage({ failed: String(error?.message ?? error) }),
    );
    return;
  }
  try {
    const answer = await asked(data.request, (step) => self.postMessage({ id: data.id, step }));
    self.postMessage({ id: data.id, answer });
  } catch (error) {
    self.postMessage({ id: data.id, broken: String(error?.message ?? error) });
  }
};
