// Compile what pages import, by the Python that runs in them.
// usage: node compile.mjs FOLDER MODULE...
// FOLDER holds Pyodide, its lock and the packages. Leaves compiled.zip there: FILE/MEMBER -> bytecode.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]) + "/";
const lock = JSON.parse(readFileSync(join(folder, "pyodide-lock.json"), "utf8"));
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
// sets come in the order of their hashes, also in bytecode: the same seed, the same bytes
const env = { HOME: "/home", MPLBACKEND: "agg", PYTHONHASHSEED: "0" };
const python = await loadPyodide({ indexURL: folder, packageBaseUrl: folder, env });
await python.loadPackage(Object.keys(lock.packages), { messageCallback: () => {} });
const files = ["python_stdlib.zip", ...Object.values(lock.packages).map((p) => p.file_name)];
for (const file of files) {
  python.FS.writeFile("/tmp/" + file, readFileSync(join(folder, file)));
}
python.globals.set("files", python.toPy(files));
python.globals.set("modules", python.toPy(process.argv.slice(3)));
const program = `
import importlib
import importlib._bootstrap_external as loaders
import sys
import zipfile

for module in modules:
    importlib.import_module(module)
used = {str(getattr(m, "__file__", None) or "") for m in list(sys.modules.values())}
used |= {f"{path}/__init__.py" for m in list(sys.modules.values()) for path in getattr(m, "__path__", [])}

with zipfile.ZipFile("/tmp/compiled.zip", "w") as compiled:
    for file in files:
        library = file == "python_stdlib.zip"
        place = "/lib/python314.zip" if library else "/lib/python3.14/site-packages"
        with zipfile.ZipFile(f"/tmp/{file}") as members:
            for member in sorted(members.namelist()):
                path = f"{place}/{member}"
                if path not in used or not member.endswith(".py"):
                    continue
                source = members.read(member)
                code = compile(source, path, "exec", dont_inherit=True)
                # unchecked: whoever packs this packs the source of the same moment
                data = loaders._code_to_hash_pyc(code, importlib.util.source_hash(source), False)
                if library:
                    target = f"{member}c"
                else:
                    folder, _, name = member.rpartition("/")
                    name = f"__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
                    target = f"{folder}/{name}" if folder else name
                compiled.writestr(zipfile.ZipInfo(f"{file}/{target}"), data)
`;
try {
  python.runPython(program);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
writeFileSync(join(folder, "compiled.zip"), python.FS.readFile("/tmp/compiled.zip"));
