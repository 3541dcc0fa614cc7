// Follows mail as it happens, in Chromium: a collector ships a log that is written meanwhile, and pages change without being asked for
// again. Prints `N passed, N failed`; exits 1 when something failed.
//
//   node live.mjs VIGIE VIGIE_COLLECTOR OUT

import { spawn, execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [vigie, collector, out] = process.argv.slice(2);
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PATIENCE_MS = 30_000;
const work = mkdtempSync(join(tmpdir(), 'vigie-live.'));
const log = join(work, 'mail.log');
const children = new Set();

let passed = 0;
let failed = 0;
function check(good, what) {
  if (good) passed += 1;
  else { failed += 1; console.log(`FAILED: ${what}`); }
}
async function step(name, action) {
  try { await action(); } catch (error) { check(false, `${name}: ${error.message.split('\n')[0]}`); }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(what, condition) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    if (await condition()) { check(true, what); return; }
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await pause(50);
  }
}
function freePort() {
  return new Promise((resolve) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)); }); });
}
function start(program, words) {
  const said = openSync(join(out, 'live.log'), 'a');
  const child = spawn(program, words, { stdio: ['ignore', said, said] });
  children.add(child);
  child.ended = new Promise((resolve) => child.on('exit', () => { children.delete(child); resolve(); }));
  return child;
}

let number = 0;
// One message; with a reply, it could not be handed on.
function message(recipient, reply) {
  number += 1;
  const id = (0xabc0000000 + number).toString(16).toUpperCase();
  const now = new Date().toISOString().replace('Z', '000+00:00');
  const end = reply
    ? [`smtp[4]: ${id}: to=<${recipient}>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (${reply})`]
    : [`smtp[4]: ${id}: to=<${recipient}>, relay=mx.example[192.0.2.2]:25, delay=0.2, delays=0/0/0.1/0.1, dsn=2.0.0, status=sent (250 ok)`, `qmgr[3]: ${id}: removed`];
  const lines = [`smtpd[1]: ${id}: client=c.example[192.0.2.7]`, `cleanup[2]: ${id}: message-id=<${number}@live.example>`, `qmgr[3]: ${id}: from=<a@live.example>, size=900, nrcpt=1 (queue active)`, ...end];
  appendFileSync(log, lines.map((line) => `${now} hub1 postfix/${line}\n`).join(''));
}

async function main() {
  writeFileSync(log, '');
  const [web, door] = [await freePort(), await freePort()];
  const base = `http://127.0.0.1:${web}`;
  const data = join(work, 'store');
  const serve = () => start(vigie, ['serve', '--zone', 'UTC', '--data', data, '--listen', `127.0.0.1:${web}`, '--collect', `127.0.0.1:${door}`]);
  let server = serve();
  const up = async () => { try { return (await fetch(base)).ok; } catch { return false; } };
  await until('the server answers', up);
  const [, , address, word] = execFileSync(vigie, ['collectors', '--quiet', '--data', data, 'add', 'hub1', '--server', `127.0.0.1:${door}`]).toString().trim().split(/\s+/);
  const config = join(work, 'collector.conf');
  execFileSync(collector, ['enrol', address, word, '--name', 'hub1', '--config', config, '--state', join(work, 'state')]);
  const shipping = start(collector, ['run', '--config', config, log]);

  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...sandbox, '--disable-dev-shm-usage'] });
  const open = async (path) => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en', bypassCSP: true, reducedMotion: 'reduce', timezoneId: 'UTC' })).newPage();
    page.on('pageerror', (error) => check(false, `${path}: ${error.message}`));
    await page.goto(base + path);
    // The zone is told once, by a reload; and then never again.
    await page.waitForFunction(() => document.documentElement.dataset.zone === 'told' || document.readyState === 'complete');
    page.loads = 0;
    page.on('framenavigated', () => { page.loads += 1; });
    return page;
  };
  const text = (page) => page.locator('main').innerText();
  const shows = (page, words) => async () => (await text(page)).includes(words);

  await step('tail', async () => {
    const [all, some] = [await open('/tail'), await open('/tail?q=to:@wanted.example')];
    message('one@other.example');
    await until('a message appears in the tail', shows(all, 'one@other.example'));
    message('two@wanted.example');
    await until('a filter lets through what it wants', shows(some, 'two@wanted.example'));
    check(!(await text(some)).includes('one@other.example'), 'and nothing else');
    await until('what is new is marked', async () => (await all.locator('tr.fresh').count()) > 0);
    await all.locator('#live-switch').click();
    message('three@other.example');
    await until('another tail goes on', async () => { const other = await open('/tail'); const found = await shows(other, 'three@other.example')(); await other.context().close(); return found; });
    check(!(await text(all)).includes('three@other.example'), 'a paused tail stands still');
    await all.locator('#live-switch').click();
    await until('and goes on where it is', shows(all, 'three@other.example'));
    check(all.loads === 0, 'without loading the page anew');
  });

  await step('overview', async () => {
    const page = await open('/?period=all');
    const count = () => page.locator('.tile a[data-number], a.tile').first().innerText();
    const before = await count();
    message('four@other.example');
    await until('figures of the overview move', async () => (await count()) !== before);
    await page.locator('#q').fill('half a filt');
    message('five@other.example');
    await pause(3_000);
    check((await page.locator('#q').inputValue()) === 'half a filt', 'what somebody types stays');
  });

  await step('queues', async () => {
    const page = await open('/queues');
    for (let n = 0; n < 3; n += 1) message(`q${n}@slow.example`, 'connect to mx.slow.example[192.0.2.9]:25: Connection refused');
    message('held@else.example', 'host mx.else.example[192.0.2.8] said: 451 4.7.1 Greylisted (in reply to RCPT TO command)');
    await until('what waits appears, with its next hop', shows(page, '→ mx.slow.example'));
    await until('and all of it', shows(page, '4 deliveries wait on 1 server'));
    const links = await page.locator('a[data-number]').evaluateAll((anchors) => anchors.map(({ href, dataset }) => ({ href, number: Number(dataset.number) })));
    check(links.length >= 3, 'figures of the queues are links');
    for (const { href, number } of links) {
      await page.goto(href);
      const total = await page.locator('[data-total-deliveries]').first().getAttribute('data-total-deliveries');
      check(Number(total) === number, `the figure ${number} of the queues leads to ${total} at ${href}`);
    }
  });

  await step('sources', async () => {
    const page = await open('/sources');
    await until('the source is there', shows(page, 'hub1:'));
    check(/1 source, all as they should be/.test(await text(page)), 'and is well');
    const lines = async () => Number((await page.locator('.source-rows tbody tr td').nth(4).innerText()).replace(/\D/g, ''));
    const before = await lines();
    message('six@other.example');
    await until('its lines are counted as they come', async () => (await lines()) > before);
    const coverage = await open('/coverage?period=all');
    check((await text(coverage)).includes(`hub1:${log}`.slice(0, 12)), 'coverage is told by source');
  });

  for (const path of ['/tail', '/queues', '/sources', '/coverage?period=all']) {
    for (const theme of ['light', 'dark']) {
      for (const locale of ['en', 'fr']) {
        const context = await browser.newContext({ colorScheme: theme, locale, bypassCSP: true, reducedMotion: 'reduce', timezoneId: 'UTC' });
        const page = await context.newPage();
        await page.goto(base + path);
        await page.evaluate(axeSource);
        const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), AXE_TAGS);
        check(violations.length === 0, `${path} ${theme} ${locale}: ${violations.map((one) => `${one.id}: ${one.nodes[0].target.join(' ')}`).join('; ')}`);
        const name = `live${path.replace(/\W+/g, '-')}-${locale}-${theme}`;
        await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
        await page.setViewportSize({ width: 390, height: 844 });
        const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        check(content <= window, `${name}: ${content} px wide on a screen of ${window} px`);
        await context.close();
      }
    }
  }

  await step('a wall of screens', async () => {
    // Browsers keep six connections to a server; pages that follow must not take them all.
    const context = await browser.newContext({ locale: 'en', bypassCSP: true, timezoneId: 'UTC' });
    const pages = [];
    for (let n = 0; n < 9; n += 1) {
      const page = await context.newPage();
      await page.goto(`${base}/tail`, { timeout: 10_000 });
      pages.push(page);
    }
    message('wall@other.example');
    for (const page of pages) await until('each of nine pages follows', shows(page, 'wall@other.example'));
    await context.close();
  });

  await step('for machines', async () => {
    const ready = await fetch(`${base}/health/ready`);
    check(ready.status === 200 && (await fetch(`${base}/health/live`)).status === 200, 'a server that is well says so');
    const metrics = await (await fetch(`${base}/metrics`)).text();
    const value = (name) => Number(metrics.match(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm'))?.[1]);
    const lines = readFileSync(log, 'utf8').split('\n').length - 1;
    check(value('vigie_table_rows{table="lines"}') === lines, `${value('vigie_table_rows{table="lines"}')} lines of ${lines} in the metrics`);
    check(value('vigie_ingest_lines_total{}') === lines, 'and as many taken');
    check(value('vigie_queue_deliveries{server="hub1"}') === 4, 'the queue, too');
    check(value('vigie_door_refusals_total{reason="token"}') === 0, 'and what was refused');
    check(metrics.endsWith('# EOF\n'), 'the metrics are whole');
  });

  await step('a server that goes and comes', async () => {
    const page = await open('/tail');
    const began = Date.now();
    server.kill('SIGTERM');
    await server.ended;
    check(Date.now() - began < 2_500, 'a server that is followed stops at once');
    await until('the page says that nobody is there', async () => (await page.locator('#live-switch').innerText()).includes('Connection lost'));
    message('seven@other.example');
    server = serve();
    await until('and goes on by itself when somebody is', shows(page, 'seven@other.example'));
    check(page.loads === 0, 'without loading the page anew');
  });

  await browser.close();
  for (const child of [shipping, server]) { child.kill('SIGTERM'); await child.ended; }
}

await step('live', main);
for (const child of children) child.kill('SIGKILL');
rmSync(work, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
