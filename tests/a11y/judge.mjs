// Judges pages with axe-core in jsdom, all in this one process and window.
// stdin: {"name": "<html>…"}; stdout: {"name": {"rule": ["<element>"]}} of the rules that are broken.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const installed = createRequire(pathToFileURL(`${process.argv[2]}/`)); // where npm has put the two packages
const { JSDOM, VirtualConsole } = installed("jsdom");

// jsdom paints nothing: contrast is judged from the tokens, by another test. Preloading would fetch styles.
const OPTIONS = { resultTypes: ["violations"], preload: false, rules: { "color-contrast": { enabled: false } } };
const { window } = new JSDOM("", { runScripts: "outside-only", virtualConsole: new VirtualConsole() });
window.eval(installed("axe-core").source);

async function judged(html) {
  window.document.open();
  window.document.write(html);
  window.document.close();
  const { violations } = await window.axe.run(window.document, OPTIONS);
  return Object.fromEntries(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]));
}

const found = {};
for (const [name, html] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) found[name] = await judged(html);
process.stdout.write(JSON.stringify(found));
