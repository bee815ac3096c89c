// Chromium without a screen for the check, spoken to over its DevTools pipe.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ANSWER_MS_MAX = 120_000;
const END_MS_MAX = 5_000;

const ASKED = new Set(['Network.requestWillBeSent', 'Network.webSocketCreated', 'Network.webTransportCreated']);
const OFFLINE = /^(?:file|data|blob|about):/u;

export class Browser {
  #next = 1;
  #waiting = new Map();
  #buffered = [];
  /** What pages have complained about. */
  errors = [];
  /** Documents that have loaded, and who waits for one. */
  #loaded = new Set();
  #awaited = new Map();

  static async start() {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), 'site-check-'));
    // Only files of this repository are opened: no sandbox is needed, which root and many containers could not have.
    browser.child = spawn('chromium-headless-shell', [
      '--remote-debugging-pipe', `--user-data-dir=${browser.profile}`, '--no-first-run', '--disable-gpu',
      '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--hide-scrollbars', '--no-sandbox', 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.child.on('error', error => browser.#failed(error));
    browser.child.on('exit', code => browser.#failed(new Error(`the browser has ended with ${code}`)));
    browser.child.stdio[4].on('data', bytes => browser.#read(bytes));
    const { targetInfos } = await browser.#send('Target.getTargets');
    const { targetId } = targetInfos.find(({ type }) => type === 'page');
    const { sessionId } = await browser.#send('Target.attachToTarget', { targetId, flatten: true });
    browser.session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.send(`${domain}.enable`);
    await browser.send('Page.setLifecycleEventsEnabled', { enabled: true });
    return browser;
  }

  #failed(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #read(bytes) {
    this.#buffered.push(bytes);
    if (!bytes.includes(0)) return;
    const parts = Buffer.concat(this.#buffered).toString().split('\0');
    this.#buffered = [Buffer.from(parts.pop())];
    for (const part of parts) this.#message(JSON.parse(part));
  }

  #message({ id, result, error, method, params }) {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      clearTimeout(waiting?.timer);
      return error ? waiting?.reject(new Error(error.message)) : waiting?.resolve(result);
    }
    if (method === 'Page.lifecycleEvent' && params.name === 'load') {
      this.#loaded.add(params.loaderId);
      this.#awaited.get(params.loaderId)?.();
    }
    if (method === 'Runtime.exceptionThrown') {
      this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    }
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) {
      this.errors.push(params.args.map(each => each.value ?? each.description).join(' '));
    }
    const asked = ASKED.has(method) ? params.request?.url ?? params.url : null;
    if (asked && !OFFLINE.test(asked)) this.errors.push(`the network is asked for ${asked}`);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    return undefined;
  }

  #send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${method}`)), ANSWER_MS_MAX);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  send(method, params) {
    return this.#send(method, params, this.session);
  }

  /** Loads a file, with a fragment if there is one. */
  async open(path, fragment = '') {
    // Another fragment alone would load nothing.
    if (this.path === path) await this.#navigate('about:blank');
    this.path = path;
    await this.#navigate(pathToFileURL(path).href + fragment);
  }

  async #navigate(url) {
    const { loaderId, errorText } = await this.send('Page.navigate', { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await new Promise((resolve, reject) => {
      if (this.#loaded.has(loaderId)) return resolve();
      const timer = setTimeout(() => reject(new Error(`${url} does not load`)), ANSWER_MS_MAX);
      this.#awaited.set(loaderId, () => {
        clearTimeout(timer);
        resolve();
      });
      return undefined;
    });
    this.#awaited.delete(loaderId);
  }

  /** The value of an expression, or of a function with arguments that JSON can say. */
  async run(code, ...values) {
    const expression = typeof code === 'function' ? `(${code})(${values.map(each => JSON.stringify(each)).join(', ')})` : code;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** How the page is looked at: as on a phone or not, in light or in darkness. */
  async look({ width, height, phone, dark }) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: phone });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
  }

  async picture(file) {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(file, Buffer.from(data, 'base64'));
  }

  async stop() {
    this.child.removeAllListeners('exit');
    const over = new Promise(resolve => this.child.once('exit', resolve));
    this.#send('Browser.close').catch(() => {});
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_MS_MAX);
    await over;
    clearTimeout(timer);
    for (const { timer: waits } of this.#waiting.values()) clearTimeout(waits);
    for (const pipe of this.child.stdio) pipe?.destroy();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
