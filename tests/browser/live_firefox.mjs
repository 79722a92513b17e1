// Run the cells of pages in Firefox, driven over WebDriver BiDi: node live_firefox.mjs FIREFOX PAGE...
// Writes one line of JSON for each page: what each ready cell showed in the book and in the page.
import puppeteer from "puppeteer-core";
import { readFileSync } from "node:fs";

const [firefox, functions, ...pages] = process.argv.slice(2);
const { LIST, BUILT, RUN, seconds } = JSON.parse(readFileSync(functions, "utf8"));
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: firefox,
  headless: true,
  timeout: 120_000,
  protocolTimeout: 1000 * (seconds + 60),
});
try {
  for (const address of pages) {
    const page = await browser.newPage();
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(address, { waitUntil: "load", timeout: 1000 * seconds });
    const shown = [];
    const call = (text, argument) =>
      page.evaluate(async (source, given) => JSON.stringify(await (0, eval)(`(${source})`)(given)), text, argument);
    for (const [index, state] of JSON.parse(await call(LIST, null))) {
      if (state === "static") continue;
      const built = JSON.parse(await call(BUILT, index));
      const live = JSON.parse(await call(RUN, [index, seconds]));
      shown.push({ index, built, live });
    }
    console.log(JSON.stringify({ address, asked, shown }));
    await page.close();
  }
} finally {
  await browser.close();
}
