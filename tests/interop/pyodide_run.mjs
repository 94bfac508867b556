// Python in Pyodide: each line of standard input is a source, as JSON; prints what it leaves in `result`, as JSON.
//     node pyodide_run.mjs PACKAGE ROOT     (ROOT and its examples are on sys.path)
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [, , place, root] = process.argv;
const { loadPyodide } = await import(pathToFileURL(`${place}/pyodide.mjs`).href);
const python = await loadPyodide();
python.FS.mkdirTree("/own");
python.FS.mount(python.FS.filesystems.NODEFS, { root }, "/own");
python.runPython("import json, sys; sys.dont_write_bytecode = True; sys.path[:0] = ['/own', '/own/examples']");
for await (const line of createInterface({ input: process.stdin })) {
  await python.runPythonAsync(JSON.parse(line));
  process.stdout.write(python.runPython("json.dumps(result)") + "\n");
}
process.exit(0); // fetch keeps idle connections
