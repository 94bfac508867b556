// Runs the Python source on standard input in Pyodide and prints what it left in `result`, as JSON.
//     node pyodide_run.mjs PACKAGE ROOT     (ROOT and its examples are on sys.path)
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , place, root] = process.argv;
const { loadPyodide } = await import(pathToFileURL(`${place}/pyodide.mjs`).href);
const python = await loadPyodide();
python.FS.mkdirTree("/own");
python.FS.mount(python.FS.filesystems.NODEFS, { root }, "/own");
python.runPython("import json, sys; sys.dont_write_bytecode = True; sys.path[:0] = ['/own', '/own/examples']");
await python.runPythonAsync(readFileSync(0, "utf-8"));
console.log(python.runPython("json.dumps(result)"));
