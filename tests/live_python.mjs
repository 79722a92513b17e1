// Run Python as the pages do, outside of a browser: the packed scripts, unpacked to a folder.
// usage: node live_python.mjs FOLDER_OF_SCRIPTS SCRATCH PROGRAM.py; prints what the program prints.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const [packed, scratch, program] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(scratch, { recursive: true });
const names = [];
const liveFiles = (texts) => {
  for (const [name, text] of Object.entries(texts)) {
    names.push(name);
    writeFileSync(join(scratch, name), gunzipSync(Buffer.from(text, "base64")));
  }
};
for (const script of ["core.js", "plots.js"]) {
  new Function("liveFiles", readFileSync(join(packed, script), "utf8"))(liveFiles);
}
const { loadPyodide } = await import(pathToFileURL(join(scratch, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: scratch + "/", packageBaseUrl: scratch + "/" });
const code = readFileSync(program, "utf8");
await python.loadPackage(["lecturecode", "matplotlib"], { messageCallback: () => {} });
python.runPython(code);
