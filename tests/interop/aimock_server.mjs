// @copilotkit/aimock as a process: node aimock_server.mjs PACKAGE_FOLDER FIXTURES.json KEY
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, fixtures, key] = process.argv.slice(2);
const { LLMock } = await import(pathToFileURL(join(folder, "dist", "index.js")));
const mock = new LLMock({ port: 0, host: "127.0.0.1", auth: { apiKeys: [key] } });
for (const { match, response, ...options } of JSON.parse(readFileSync(fixtures, "utf8"))) {
  mock.on(match, response, options);
}
console.log(await mock.start());
process.stdin.resume().on("end", () => process.exit());
