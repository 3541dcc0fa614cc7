// Walks Vigie's pages as a person does, in Chromium: finds a message, follows every figure, looks at each page in both
// themes and languages and on a phone. Prints `N passed, N failed`; exits 1 when something failed.
//
//   node pages.mjs BASE_URL TRUTH.json OUT
//
// What it relies on in the pages: a search box (role searchbox), figures as <a data-number="…">, and on the search page
// data-total-messages, data-total-deliveries and data-total-rejections.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [base, truthPath, out] = process.argv.slice(2);
const truth = JSON.parse(readFileSync(truthPath, 'utf8'));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const LANGUAGES = ['en', 'fr'];
const THEMES = ['light', 'dark'];
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const SERVER_STARTS_WITHIN_MS = 30_000;
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let passed = 0;
let failed = 0;

function check(good, what) {
  if (good) {
    passed += 1;
  } else {
    failed += 1;
    console.log(`FAILED: ${what}`);
  }
}

async function step(name, action) {
  try {
    await action();
  } catch (error) {
    check(false, `${name}: ${error.message.split('\n')[0]}`);
  }
}

async function waitForServer() {
  const deadline = Date.now() + SERVER_STARTS_WITHIN_MS;
  for (;;) {
    try {
      if ((await fetch(base)).ok) return;
    } catch {
      // not listening yet
    }
    if (Date.now() > deadline) throw new Error(`no answer from ${base}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// A page whose console errors, exceptions, failed requests and CSP violations count as failures.
async function openPage(browser, options) {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') check(false, `console error on ${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => check(false, `exception on ${page.url()}: ${error.message}`));
  page.on('response', (response) => {
    const own = response.url().startsWith(base);
    check(own && response.status() < 400, `${response.status()} ${response.url()} (every file is the server's own and there)`);
  });
  return page;
}

function sampleMessage() {
  const wanted = (message) => message.scenario === 'in-simple' && message.rcpts[0].expect[0].outcome === 'delivered';
  return truth.messages.find(wanted);
}

async function search(page, text) {
  const box = page.getByRole('searchbox').first();
  await box.fill(text);
  await Promise.all([page.waitForNavigation(), box.press('Enter')]);
}

// The help-desk's walk: overview, search for a recipient, the message, its answer, its path, its raw lines.
async function findMessage(page) {
  const message = sampleMessage();
  const recipient = message.rcpts[0].addr;
  // On the overview the box narrows the figures; the list of messages is one key away.
  await page.goto(`${base}/search`);
  await search(page, recipient);
  const total = await totalOf(page, 'messages');
  check(total > 0, `search for ${recipient} finds messages`);
  check((await page.locator('main').innerText()).includes(recipient), 'search result shows the recipient');
  await page.screenshot({ path: `${out}/walk-search.png`, fullPage: true });

  await search(page, message.message_id.replace(/[<>]/g, ''));
  check((await totalOf(page, 'messages')) === 1, 'search for a Message-ID finds one message');
  await Promise.all([page.waitForNavigation(), page.locator('main table tbody tr').first().locator('a').first().click()]);
  const text = await page.locator('main').innerText();
  check(/delivered/i.test(text), 'the message page answers what became of the message');
  check(text.includes(recipient), 'the message page names the recipient');
  for (const host of ['edge1', 'hub1', 'mbx1']) check(text.includes(host), `the message page shows the hop at ${host}`);
  const content = await page.content();
  check(content.includes(message.queue_id), 'the message page shows the first queue id');
  check(content.includes('status=sent'), 'the message page shows raw lines');
  await page.screenshot({ path: `${out}/walk-message.png`, fullPage: true });
  return page.url();
}

async function totalOf(page, measure) {
  const value = await page.evaluate((name) => document.querySelector(`[data-total-${name}]`)?.getAttribute(`data-total-${name}`), measure);
  return value == null ? NaN : Number(value);
}

// Every figure of a page leads to exactly what it counts.
async function followNumbers(page, path) {
  await page.goto(base + path);
  const links = await page.locator('a[data-number]').evaluateAll((anchors) =>
    anchors.map((anchor) => ({ href: anchor.href, number: Number(anchor.dataset.number), measure: anchor.dataset.measure, text: anchor.innerText })));
  check(links.length > 0, `${path} has figures that are links`);
  for (const { href, number, measure, text } of uniqueBy(links, (link) => `${link.href} ${link.number}`)) {
    await page.goto(href);
    const totals = {};
    for (const name of measure ? [measure] : ['messages', 'deliveries', 'rejections']) totals[name] = await totalOf(page, name);
    check(Object.values(totals).includes(number), `figure "${text}" (${number}) leads to ${JSON.stringify(totals)} at ${href}`);
  }
}

function uniqueBy(items, key) {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

// The pages named in the navigation, a search with hits, one without, and a message.
async function listPages(page, messageUrl) {
  await page.goto(base);
  const named = await page.locator('nav a[href]').evaluateAll((anchors) => anchors.map((anchor) => anchor.href));
  await search(page, sampleMessage().rcpts[0].addr);
  const hits = page.url();
  await page.goto(base);
  await search(page, 'nobody-was-ever-called-this@example.org');
  const nothing = page.url();
  // Not opened here: an answer that refuses a filter may rightly be a failure in HTTP's terms.
  const mistaken = nothing.replace(/nobody-was-ever-called-this(%40|@)example\.org/, encodeURIComponent('form:laurent ('));
  const own = [base, ...named, hits, nothing, mistaken, messageUrl].filter((url) => url.startsWith(base));
  return [...new Set(own.map((url) => new URL(url).href.split('#')[0]))];
}

function nameOf(url) {
  const { pathname, search: query } = new URL(url);
  const name = `${pathname}${query}`.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60);
  return name || 'overview';
}

// Accessibility needs a script in the page, which the pages' own policy forbids: so a context that bypasses it.
async function inspect(browser, urls) {
  for (const language of LANGUAGES) {
    for (const theme of THEMES) {
      const options = { viewport: DESKTOP, colorScheme: theme, locale: language, bypassCSP: true, reducedMotion: 'reduce' };
      const context = await browser.newContext(options);
      const page = await context.newPage();
      for (const url of urls) {
        const what = `${nameOf(url)} ${language} ${theme}`;
        await step(what, () => inspectPage(page, url, language, what));
      }
      await context.close();
    }
  }
}

async function inspectPage(page, url, language, what) {
  await page.setViewportSize(DESKTOP);
  await page.goto(url);
  check((await page.locator('html').getAttribute('lang')) === language, `${what}: the page is in the reader's language`);
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), AXE_TAGS);
  const found = violations.map((one) => `${one.id} (${one.nodes.length}): ${one.nodes[0].target.join(' ')}`);
  check(found.length === 0, `${what}: ${found.join('; ')}`);
  await page.screenshot({ path: `${out}/${what.replaceAll(' ', '-')}.png`, fullPage: true });
  await page.setViewportSize(PHONE);
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  check(content <= window, `${what}: ${content} px wide on a screen of ${window} px`);
  await page.screenshot({ path: `${out}/${what.replaceAll(' ', '-')}-phone.png` });
}

// Without JavaScript the pages must do their work all the same.
async function withoutScript(browser) {
  const page = await openPage(browser, { javaScriptEnabled: false, locale: 'en' });
  await page.goto(`${base}/search`);
  const box = page.getByRole('searchbox').first();
  await box.fill(sampleMessage().rcpts[0].addr);
  await Promise.all([page.waitForNavigation(), box.press('Enter')]);
  check((await page.locator('main table tbody tr').count()) > 0, 'search works without JavaScript');
  await page.context().close();
}

async function main() {
  await waitForServer();
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: [...sandbox, '--disable-dev-shm-usage'] });
  const page = await openPage(browser, { locale: 'en' });
  let messageUrl = base;
  await step('walk to a message', async () => { messageUrl = await findMessage(page); });
  for (const path of ['/', '/queues']) await step(`figures of ${path}`, () => followNumbers(page, path));
  let urls = [base, messageUrl];
  await step('list of pages', async () => { urls = await listPages(page, messageUrl); });
  await inspect(browser, urls);
  await step('without JavaScript', () => withoutScript(browser));
  await browser.close();
}

await step('e2e', main);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
